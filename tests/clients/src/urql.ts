// urql's core: its default exchanges, and graphql-ws behind the one for subscriptions.

import { readFileSync } from "node:fs";

import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { type AnyVariables, cacheExchange, Client as Urql, fetchExchange, subscriptionExchange } from "@urql/core";
import { cacheExchange as graphcache } from "@urql/exchange-graphcache";
import { minifyIntrospectionQuery } from "@urql/introspection";
import { buildSchema, introspectionFromSchema, isIntrospectionType, isObjectType } from "graphql";
import { createClient } from "graphql-ws";

import {
  CreateCrawlJobMutationDocument,
  DatasetQueryDocument,
  ExportMutationDocument,
  ImagesQueryDocument,
  ProgressSubscriptionDocument,
  ProjectsQueryDocument,
  ValidateMutationDocument,
} from "./generated/graphql.js";
import type { Client, Service } from "./journey.js";
import { datasetOf, frameOf, made, pageOf } from "./shapes.js";

/** What is live comes by websocket. */
export function createUrql({ url, socketUrl, token }: Service): Client {
  const authorization = `Bearer ${token}`;

  // docs: urql
  const sockets = createClient({
    url: socketUrl,
    connectionParams: { Authorization: authorization },
  });
  const client = new Urql({
    url,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = "", variables }) => ({
          subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });
  // end

  return asked(client, async () => sockets.dispose());
}

/** What is live comes as events of a request. */
export function createUrqlEvents({ url, token }: Service): Client {
  const authorization = `Bearer ${token}`;

  // docs: urql_events
  const client = new Urql({
    url,
    preferGetMethod: false,
    fetchSubscriptions: true,
    fetchOptions: { headers: { authorization } },
    exchanges: [cacheExchange, fetchExchange],
  });
  // end

  return asked(client, async () => undefined);
}

/** What is live comes by websocket, into a cache that shares rows by their ids. */
export function createUrqlGraphcache({ url, socketUrl, token }: Service): Client {
  const authorization = `Bearer ${token}`;
  const sdl = readFileSync("schema.graphql", "utf8");

  // docs: urql_graphcache
  const api = buildSchema(sdl);
  const types = Object.values(api.getTypeMap()).filter((type) => !isIntrospectionType(type));
  const embedded = types.filter((type) => isObjectType(type) && !type.getFields().id);
  const cache = graphcache({
    schema: minifyIntrospectionQuery(introspectionFromSchema(api)),
    keys: Object.fromEntries(embedded.map(({ name }) => [name, () => null])),
  });
  // end
  const sockets = createClient({ url: socketUrl, connectionParams: { Authorization: authorization } });
  const client = new Urql({
    url,
    preferGetMethod: false,
    fetchOptions: { headers: { authorization } },
    exchanges: [
      cache,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = "", variables }) => ({
          subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  });

  return asked(client, async () => sockets.dispose());
}

function asked(client: Urql, close: Client["close"]): Client {
  async function query<Data, Variables extends AnyVariables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
    requestPolicy: "cache-first" | "network-only" = "cache-first",
  ): Promise<Data> {
    const { data, error } = await client.query(document, variables, { requestPolicy });
    if (!data) throw error ?? new Error("no data");
    return data;
  }

  async function mutate<Data, Variables extends AnyVariables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    const { data, error } = await client.mutation(document, variables);
    if (!data) throw error ?? new Error("no data");
    return data;
  }

  return {
    async projects(first, after) {
      const { viewer } = await query(ProjectsQueryDocument, { first, after });
      return pageOf(viewer.projects, (project) => project.id);
    },
    async crawl(input) {
      const { createCrawlJob } = await mutate(CreateCrawlJobMutationDocument, { input });
      return made(createCrawlJob.crawlJob, createCrawlJob.errors);
    },
    async watch(job, seen) {
      await new Promise<void>((resolve, reject) => {
        let ended = false;
        client.subscription(ProgressSubscriptionDocument, { job }).subscribe(({ data, error, hasNext }) => {
          if (error) reject(error);
          if (data && !ended) seen(frameOf(data.crawlJobProgress.crawlJob));
          if (!hasNext) {
            ended = true;
            resolve();
          }
        });
      });
    },
    async images(job, first, after) {
      const { crawlJob } = await query(ImagesQueryDocument, {
        job,
        first,
        after,
        filter: { status: ["DOWNLOADED", "VALID"] },
        orderBy: [{ field: "WIDTH", direction: "DESC" }],
      });
      return crawlJob && pageOf(crawlJob.images, ({ id, width }) => ({ id, width: width ?? 0 }));
    },
    async validate(crawlJobId, minWidth) {
      const { createValidationJob } = await mutate(ValidateMutationDocument, { input: { crawlJobId, rules: { minWidth } } });
      return made(createValidationJob.validationJob, createValidationJob.errors);
    },
    async export(crawlJobId, format) {
      const { createExportJob } = await mutate(ExportMutationDocument, { input: { crawlJobId, format } });
      return made(createExportJob.exportJob, createExportJob.errors);
    },
    async dataset(job) {
      return datasetOf((await query(DatasetQueryDocument, { job }, "network-only")).crawlJob);
    },
    close,
  };
}
