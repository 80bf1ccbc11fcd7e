// Mercurius 16 with compiled operations, and loaders that fetch the first rows of many parents in one statement.
import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

import { serve } from "./processes.js";

const SDL = `
  type Query { viewer: Profile! crawlJob(id: ID!): CrawlJob }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type Profile { id: ID! projects(first: Int!): Projects! }
  type Projects { nodes: [Project!]! }
  type Project { id: ID! name: String! crawlJobs(first: Int!): CrawlJobs! }
  type CrawlJobs { nodes: [CrawlJob!]! }
  type CrawlJob {
    id: ID! name: String! status: String! progress: Int! maxImages: Int! totalImages: Int! downloadedImages: Int!
    validImages: Int! createdAt: String! updatedAt: String! images(first: Int!, after: String): Images!
  }
  type Images { nodes: [Image!]! pageInfo: PageInfo! }
  type Image {
    id: ID! originalUrl: String! filename: String! status: String! width: Int height: Int fileSize: Int
    createdAt: String!
  }
`;

const JOB = `id, name, status, progress, max_images "maxImages", total_images "totalImages",
  downloaded_images "downloadedImages", valid_images "validImages", created_at::text "createdAt",
  updated_at::text "updatedAt"`;
const IMAGE = `id, original_url "originalUrl", filename, status, width, height, file_size "fileSize",
  created_at::text "createdAt"`;

const STATEMENTS = {
  viewer: `select id from profiles where id = $1`,
  job: `select ${JOB} from crawl_jobs where id = $1`,
  projects: `select p.n "at", t.* from unnest($1::uuid[]) with ordinality p(key, n) cross join lateral
    (select id, name from projects where user_id = p.key order by id limit $2) t`,
  jobs: `select p.n "at", t.* from unnest($1::int[]) with ordinality p(key, n) cross join lateral
    (select ${JOB} from crawl_jobs where project_id = p.key order by id limit $2) t`,
  images: `select p.n "at", t.* from unnest($1::int[]) with ordinality p(key, n) cross join lateral
    (select ${IMAGE} from images where crawl_job_id = p.key and id > $3 order by id limit $2) t`,
};

serve(async (port) => {
  const pool = new pg.Pool({ max: Number(process.env.CONNECTIONS) });
  const rows = async (name, values) => (await pool.query({ name, text: STATEMENTS[name], values })).rows;

  // All parents of one level ask for the same page, since they stand at the same place of the operation.
  const page = (name) => async (queries) => {
    const { first, after } = queries[0].params;
    const values = [queries.map(({ obj }) => obj.id), first + 1];
    if (name === "images") values.push(after ?? "0");
    const found = queries.map(() => []);
    for (const row of await rows(name, values)) found[row.at - 1].push(row);
    return found.map((nodes) => {
      const hasNextPage = nodes.length > first;
      if (hasNextPage) nodes.pop();
      return { nodes, pageInfo: { hasNextPage, endCursor: nodes.length ? nodes[nodes.length - 1].id : null } };
    });
  };

  const app = Fastify();
  app.register(mercurius, {
    schema: SDL,
    jit: 1,
    graphiql: false,
    resolvers: {
      Query: {
        viewer: async () => (await rows("viewer", [process.env.VIEWER]))[0],
        crawlJob: async (_, { id }) => (await rows("job", [id]))[0],
      },
    },
    loaders: {
      Profile: { projects: { loader: page("projects"), opts: { cache: false } } },
      Project: { crawlJobs: { loader: page("jobs"), opts: { cache: false } } },
      CrawlJob: { images: { loader: page("images"), opts: { cache: false } } },
    },
  });
  await app.listen({ port, host: "127.0.0.1" });
});
