/**
 * Loads the bundle with what V8 compiled of it at build time (scripts/write-code-cache.js): without it half of a start is compiling.
 * V8 itself looks whether that code suits it and the source; where it does not, or is not there, the source is compiled as ever.
 * (`module.enableCompileCache` does this for Node 22 and later, but not for files of ours that nobody may write to.)
 */
const { readFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const CACHE_SUFFIX = '.cache';

/** @param onCompiled told of each file that is loaded, with its script */
function loadProgram(path, onCompiled = () => undefined) {
  const loaded = new Map();
  const load = (file) => {
    const known = loaded.get(file);
    if (known !== undefined) {
      return known.exports;
    }
    const module = { exports: {} };
    loaded.set(file, module);
    const script = compile(file);
    onCompiled(file, script);
    // The bundle's own files need each other by `./name`; all else is Node's to find, from here.
    const requireFrom = (name) => (name.startsWith('./') ? load(join(dirname(file), name)) : require(name));
    script.runInThisContext()(module.exports, requireFrom, module, file, dirname(file));
    return module.exports;
  };
  load(path);
}

function compile(file) {
  // The bundle is ASCII, which scripts/bundle.mjs sees to.
  const source = readFileSync(file, 'latin1');
  return new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: file,
    cachedData: readCache(file),
  });
}

function readCache(file) {
  try {
    return readFileSync(`${file}${CACHE_SUFFIX}`);
  } catch {
    return undefined;
  }
}

module.exports = { CACHE_SUFFIX, loadProgram };
