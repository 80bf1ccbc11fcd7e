// A graphql-ws server of one job: `POST /` changes it, `POST /end` completes it; prints its port.
import { createServer } from "node:http";
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";

const schema = buildSchema(`
  type Query { none: Int }
  type Source { name: String! found: Int! state: String! message: String }
  type CrawlJob { id: ID! name: String! status: String! progress: Int! totalImages: Int! downloadedImages: Int!
    validImages: Int! totalChunks: Int! activeChunks: Int! completedChunks: Int! failedChunks: Int! chunkProgress: Int!
    taskIds: [String!]! sources: [Source!]! }
  type CrawlJobProgress { version: Int! at: String! imagesPerSecond: Float! bytesPerSecond: Float! etaSeconds: Int
    crawlJob: CrawlJob! }
  type Subscription { crawlJobProgress(id: ID!): CrawlJobProgress! }
`);
const job = {
  id: "CrawlJob:1", name: "Job", status: "RUNNING", progress: 0, totalImages: 1000, downloadedImages: 0, validImages: 0,
  totalChunks: 0, activeChunks: 0, completedChunks: 0, failedChunks: 0, chunkProgress: 0, taskIds: [],
  sources: [{ name: "url_list", found: 1, state: "WAITING", message: null }],
};
let version = 0;
let wake = () => {};
let changed = new Promise((resolve) => (wake = resolve));

function change(values) {
  Object.assign(job, values);
  version += 1;
  const told = wake;
  changed = new Promise((resolve) => (wake = resolve));
  told();
}

async function* crawlJobProgress() {
  for (let heard = -1; ; ) {
    if (heard === version) await changed;
    heard = version;
    const frame = { version, at: new Date().toISOString(), imagesPerSecond: 1, bytesPerSecond: 1, etaSeconds: 9 };
    yield { crawlJobProgress: { ...frame, crawlJob: { ...job } } };
    if (job.status === "COMPLETED") return;
  }
}

const server = createServer((request, response) => {
  const images = job.downloadedImages + 1;
  change(request.url === "/end" ? { status: "COMPLETED" } : { downloadedImages: images, validImages: images });
  response.end(String(version));
});
const sockets = new WebSocketServer({ server, path: "/graphql", perMessageDeflate: false });
useServer({ schema, roots: { subscription: { crawlJobProgress } } }, sockets);
server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () => console.log(server.address().port));
