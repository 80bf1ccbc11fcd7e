// `node built/run.js CLIENT`: one journey against the service that the environment names; its dataset as JSON.

import { createApollo } from "./apollo.js";
import { createFetch } from "./typed_fetch.js";
import { createUrql } from "./urql.js";
import { journey, type Client, type Service } from "./journey.js";

const CLIENTS: Record<string, (service: Service) => Client> = {
  apollo: createApollo,
  typed_fetch: createFetch,
  urql: createUrql,
};

const name = process.argv[2] ?? "";
const { SERVICE_URL = "", SERVICE_TOKEN = "", IMAGE_HOST = "", SMALL = "", LARGE = "" } = process.env;
const create = CLIENTS[name];
if (!create) throw new Error(`No such client: ${name}`);

const client = create({ url: SERVICE_URL, socketUrl: SERVICE_URL.replace("http", "ws"), token: SERVICE_TOKEN });
const dataset = await journey(client, IMAGE_HOST, Number(SMALL), Number(LARGE));
await client.close();
console.log(JSON.stringify(dataset));
