/** Runs the bundled program with the arguments given, and keeps what V8 compiled of it beside each of its files. */
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { CACHE_SUFFIX, loadProgram } = require('../bin/load-program.js');

const scripts = new Map();
process.once('exit', (code) => {
  if (code === 0) {
    for (const [file, script] of scripts) {
      writeFileSync(`${file}${CACHE_SUFFIX}`, script.createCachedData());
    }
  }
});
loadProgram(join(__dirname, '..', 'dist', 'cli', 'main.cjs'), (file, script) => scripts.set(file, script));
