// Apollo Client: HTTP for queries and mutations, graphql-ws for subscriptions, one normalized cache for all of them.

import assert from "node:assert/strict";

import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import { OperationTypeNode } from "graphql";
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
import type { Client, Page, Service } from "./journey.js";
import { datasetOf, frameOf, made, pageOf } from "./shapes.js";

export function createApollo({ url, socketUrl, token }: Service): Client {
  const authorization = `Bearer ${token}`;

  // docs: apollo
  const sockets = createClient({
    url: socketUrl,
    connectionParams: { Authorization: authorization },
  });
  const client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(sockets),
      new HttpLink({ uri: url, headers: { authorization } }),
    ),
    cache: new InMemoryCache({
      possibleTypes: {
        Node: ["ActivityLog", "CrawlJob", "ExportJob", "Image", "Profile", "Project", "ValidationJob"],
      },
      typePolicies: {
        Profile: { fields: { projects: relayStylePagination(["filter", "orderBy"]) } },
        CrawlJob: { fields: { images: relayStylePagination(["filter", "orderBy"]) } },
      },
    }),
  });
  // end

  /** How many rows of each list the cache has joined from the pages that were asked. */
  const joined = new Map<string, number>();

  function nextOf<Row>(list: string, found: Page<Row>, first: number): Page<Row> {
    const before = joined.get(list) ?? 0;
    assert.equal(found.rows.length, Math.min(before + first, found.total), "the cache joins the pages to one list");
    joined.set(list, found.rows.length);
    return { ...found, rows: found.rows.slice(before) };
  }

  return {
    async projects(first, after) {
      const { data } = await client.query({
        query: ProjectsQueryDocument,
        variables: { first, after },
        fetchPolicy: "network-only", // what a hook's fetchMore does: the list that is known has no argument `after`
      });
      assert.ok(data);
      return nextOf("viewer", pageOf(data.viewer.projects, (project) => project.id), first);
    },
    async crawl(input) {
      const { data } = await client.mutate({ mutation: CreateCrawlJobMutationDocument, variables: { input } });
      assert.ok(data);
      return made(data.createCrawlJob.crawlJob, data.createCrawlJob.errors);
    },
    async watch(job, seen) {
      await new Promise<void>((resolve, reject) => {
        client.subscribe({ query: ProgressSubscriptionDocument, variables: { job } }).subscribe({
          next: ({ data, error }) => {
            if (error) reject(error);
            if (data) seen(frameOf(data.crawlJobProgress.crawlJob));
          },
          error: reject,
          complete: resolve,
        });
      });
      const row = (client.cache.extract() as Record<string, object>)[`CrawlJob:${job}`];
      assert.ok(row && "status" in row);
      assert.equal(row.status, "COMPLETED", "what is live has reached the row that queries share");
    },
    async images(job, first, after) {
      const { data } = await client.query({
        query: ImagesQueryDocument,
        variables: {
          job,
          first,
          after,
          filter: { status: ["DOWNLOADED", "VALID"] },
          orderBy: [{ field: "WIDTH", direction: "DESC" }],
        },
        fetchPolicy: "network-only",
      });
      if (!data?.crawlJob) return null;
      return nextOf(job, pageOf(data.crawlJob.images, ({ id, width }) => ({ id, width: width ?? 0 })), first);
    },
    async validate(crawlJobId, minWidth) {
      const variables = { input: { crawlJobId, rules: { minWidth } } };
      const { data } = await client.mutate({ mutation: ValidateMutationDocument, variables });
      assert.ok(data);
      return made(data.createValidationJob.validationJob, data.createValidationJob.errors);
    },
    async export(crawlJobId, format) {
      const { data } = await client.mutate({ mutation: ExportMutationDocument, variables: { input: { crawlJobId, format } } });
      assert.ok(data);
      return made(data.createExportJob.exportJob, data.createExportJob.errors);
    },
    async dataset(job) {
      const { data } = await client.query({ query: DatasetQueryDocument, variables: { job }, fetchPolicy: "network-only" });
      return datasetOf(data?.crawlJob);
    },
    async close() {
      client.stop();
      await sockets.dispose();
    },
  };
}
