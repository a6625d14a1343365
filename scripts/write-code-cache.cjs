/** Runs the bundled program with the arguments given, and keeps what V8 compiled of it beside each of its files. */
const { writeFileSync } = require('node:fs');
const { join } = require('node:path');
const v8 = require('node:v8');
const { CACHE_SUFFIX, loadProgram } = require('../bin/load-program.js');

// A run changes V8's settings when it begins, and code that is kept under changed settings is refused at the next start.
v8.setFlagsFromString = () => undefined;

const scripts = new Map();
process.once('exit', (code) => {
  if (code === 0) {
    for (const [file, script] of scripts) {
      writeFileSync(`${file}${CACHE_SUFFIX}`, script.createCachedData());
    }
  }
});
loadProgram(join(__dirname, '..', 'dist', 'cli', 'main.cjs'), (file, script) => scripts.set(file, script));
