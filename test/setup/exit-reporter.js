/** How long a finished run may take to let go of what it holds. */
const GRACE_MS = 2_000;

/** Ends a run that does not end by itself, as failed: what keeps it alive is a leak outside any one test file. */
export default class ExitReporter {
  onRunComplete() {
    setTimeout(() => {
      process.stderr.write(
        `The run is over but something keeps it alive: ${process.getActiveResourcesInfo().join(', ')}\n`,
      );
      process.exit(1);
    }, GRACE_MS).unref();
  }
}
