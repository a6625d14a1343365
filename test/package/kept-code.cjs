/**
 * Runs the demo of an installed mailferry, and fails where V8 refuses what was compiled of it at build time: that shows in nothing
 * but the time of a start. `node kept-code.cjs FOLDER`
 */
const { join } = require('node:path');

const folder = process.argv[2];
const { loadProgram } = require(join(folder, 'bin', 'load-program.js'));
const refused = [];
process.once('exit', (code) => {
  if (code === 0 && refused.length > 0) {
    process.stderr.write(`V8 refuses the compiled code that is kept of ${refused.join(', ')}\n`);
    process.exitCode = 1;
  }
});
process.argv = [process.argv[0], join(folder, 'bin', 'mailferry.js'), 'demo'];
loadProgram(join(folder, 'dist', 'cli', 'main.cjs'), (file, script) => {
  if (script.cachedDataRejected !== false) {
    refused.push(file);
  }
});
