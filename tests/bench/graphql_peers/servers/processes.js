// As many processes on one port as WORKERS says: what Node offers for more than one core.
import cluster from "node:cluster";

export function serve(start) {
  const workers = Number(process.env.WORKERS);
  if (workers === 1 || !cluster.isPrimary) {
    start(Number(process.env.PORT));
    return;
  }
  for (let made = 0; made < workers; made += 1) cluster.fork();
  process.on("SIGTERM", () => process.exit(0)); // its children end with it
}
