/**
 * Turns every process warning (a leaked listener, a deprecated call) into a failure of the suite: a warning that nobody
 * reads is a defect that nobody mends.
 */
process.on('warning', (warning) => {
  throw warning;
});
