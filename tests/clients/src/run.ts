// `node built/run.js CLIENT`: one journey against the service that the environment names; its dataset as JSON.

import WebSocket from "ws";

import { createApollo } from "./apollo.js";
import { type Client, journey, type Service, signedOut } from "./journey.js";
import { createRelay } from "./relay.js";
import { createFetch } from "./typed_fetch.js";
import { createUrql, createUrqlEvents, createUrqlGraphcache } from "./urql.js";

const CLIENTS: Record<string, (service: Service) => Client> = {
  apollo: createApollo,
  relay: createRelay,
  typed_fetch: createFetch,
  urql: createUrql,
  urql_events: createUrqlEvents,
  urql_graphcache: createUrqlGraphcache,
};

// As every browser and Node 22 have it.
Object.assign(globalThis, { WebSocket });

// A client that finds something odd in the API says so here.
console.warn = console.error = (...said: unknown[]) => {
  throw new Error(said.join(" "));
};

async function main(name: string): Promise<void> {
  const { SERVICE_URL = "", SERVICE_TOKEN = "", IMAGE_HOST = "", SMALL = "", LARGE = "" } = process.env;
  const create = CLIENTS[name];
  if (!create) throw new Error(`No such client: ${name}`);
  const service = { url: SERVICE_URL, socketUrl: SERVICE_URL.replace("http", "ws"), token: SERVICE_TOKEN };
  const stranger = create({ ...service, token: "worn out" });
  await signedOut(stranger);
  await stranger.close();
  const client = create(service);
  const dataset = await journey(client, IMAGE_HOST, Number(SMALL), Number(LARGE));
  await client.close();
  console.log(JSON.stringify(dataset));
}

void main(process.argv[2] ?? "");
