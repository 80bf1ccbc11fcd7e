// Relay's runtime without React: what its compiler made of the documents, one network, one store.

import assert from "node:assert/strict";

import { createClient } from "graphql-ws";
import {
  commitLocalUpdate,
  commitMutation,
  ConnectionHandler,
  Environment,
  fetchQuery,
  type GraphQLResponse,
  type GraphQLTaggedNode,
  type MutationParameters,
  Network,
  Observable,
  type OperationType,
  RecordSource,
  requestSubscription,
  Store,
} from "relay-runtime";

import createCrawlJobMutation, { type CreateCrawlJobMutation } from "./artifacts/CreateCrawlJobMutation.graphql.js";
import datasetQuery, { type DatasetQuery } from "./artifacts/DatasetQuery.graphql.js";
import exportMutation, { type ExportMutation } from "./artifacts/ExportMutation.graphql.js";
import imagesQuery, { type ImagesQuery } from "./artifacts/ImagesQuery.graphql.js";
import listsImagesQuery, { type listsImagesQuery as ListsImages } from "./artifacts/listsImagesQuery.graphql.js";
import listsProjectsQuery, { type listsProjectsQuery as ListsProjects } from "./artifacts/listsProjectsQuery.graphql.js";
import listsViewerQuery, { type listsViewerQuery as ListsViewer } from "./artifacts/listsViewerQuery.graphql.js";
import progressSubscription, { type ProgressSubscription } from "./artifacts/ProgressSubscription.graphql.js";
import projectsQuery, { type ProjectsQuery } from "./artifacts/ProjectsQuery.graphql.js";
import validateMutation, { type ValidateMutation } from "./artifacts/ValidateMutation.graphql.js";
import type { Client, Service } from "./journey.js";
import { datasetOf, frameOf, made, pageOf } from "./shapes.js";

export function createRelay({ url, socketUrl, token }: Service): Client {
  const authorization = `Bearer ${token}`;

  // docs: relay
  const sockets = createClient({
    url: socketUrl,
    connectionParams: { Authorization: authorization },
  });
  const environment = new Environment({
    network: Network.create(
      async ({ text: query }, variables) => {
        const answer = await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json", authorization },
          body: JSON.stringify({ query, variables }),
        });
        return answer.json();
      },
      ({ text }, variables) =>
        Observable.create<GraphQLResponse>((sink) =>
          sockets.subscribe({ query: text ?? "", variables }, { ...sink, next: (value) => sink.next(value as GraphQLResponse) }),
        ),
    ),
    store: new Store(new RecordSource()),
  });
  // end

  async function query<Query extends OperationType>(document: GraphQLTaggedNode, variables: Query["variables"]): Promise<Query["response"]> {
    const data = await fetchQuery<Query>(environment, document, variables).toPromise();
    assert.ok(data);
    return data;
  }

  function mutate<Mutation extends MutationParameters>(
    mutation: GraphQLTaggedNode,
    variables: Mutation["variables"],
  ): Promise<Mutation["response"]> {
    return new Promise((resolve, reject) => {
      commitMutation<Mutation>(environment, { mutation, variables, onCompleted: resolve, onError: reject });
    });
  }

  /** Ids of a connection as the store has joined its pages. */
  function joined(id: string, key: string): string[] {
    let ids: string[] = [];
    commitLocalUpdate(environment, (store) => {
      const record = store.get(id);
      assert.ok(record);
      const edges = ConnectionHandler.getConnection(record, key)?.getLinkedRecords("edges") ?? [];
      ids = edges.map((edge) => edge.getLinkedRecord("node")?.getDataID() ?? "");
    });
    return ids;
  }

  /** What `usePaginationFragment` does: the first page with its parent, the next by the parent's id. */
  async function growing(after: string): Promise<void> {
    const { viewer } = await query<ListsViewer>(listsViewerQuery, {});
    assert.equal(joined(viewer.id, "lists_projects").length, 1);
    let cursor = "";
    commitLocalUpdate(environment, (store) => {
      const connection = ConnectionHandler.getConnection(store.get(viewer.id)!, "lists_projects");
      cursor = String(connection?.getLinkedRecord("pageInfo")?.getValue("endCursor"));
    });
    assert.ok(cursor && cursor !== after, "a cursor belongs to its order");
    await query<ListsProjects>(listsProjectsQuery, { id: viewer.id, first: 1, after: cursor });
    assert.equal(new Set(joined(viewer.id, "lists_projects")).size, 2);
  }

  return {
    async projects(first, after) {
      if (after) await growing(after);
      const { viewer } = await query<ProjectsQuery>(projectsQuery, { first, after });
      return pageOf(viewer.projects, (project) => project.id);
    },
    async crawl(input) {
      const { createCrawlJob } = await mutate<CreateCrawlJobMutation>(createCrawlJobMutation, { input });
      return made(createCrawlJob.crawlJob, createCrawlJob.errors);
    },
    async watch(job, seen) {
      await new Promise<void>((resolve, reject) => {
        requestSubscription<ProgressSubscription>(environment, {
          subscription: progressSubscription,
          variables: { job },
          onNext: (data) => data && seen(frameOf(data.crawlJobProgress.crawlJob)),
          onError: reject,
          onCompleted: resolve,
        });
      });
      await query<ListsImages>(listsImagesQuery, { id: job, last: 2, filter: { status: ["DOWNLOADED"] } });
      commitLocalUpdate(environment, (store) => {
        const row = store.get(job);
        assert.equal(row?.getValue("status"), "COMPLETED", "what is live has reached the row that queries share");
        const filters = { filter: { status: ["DOWNLOADED"] } };
        const list = row && ConnectionHandler.getConnection(row, "lists_images", filters);
        assert.equal(list?.getLinkedRecords("edges")?.length, 2);
      });
    },
    async images(job, first, after) {
      const { crawlJob } = await query<ImagesQuery>(imagesQuery, {
        job,
        first,
        after,
        filter: { status: ["DOWNLOADED", "VALID"] },
        orderBy: [{ field: "WIDTH", direction: "DESC" }],
      });
      return crawlJob ? pageOf(crawlJob.images, ({ id, width }) => ({ id, width: width ?? 0 })) : null;
    },
    async validate(crawlJobId, minWidth) {
      const { createValidationJob } = await mutate<ValidateMutation>(validateMutation, {
        input: { crawlJobId, rules: { minWidth } },
      });
      return made(createValidationJob.validationJob, createValidationJob.errors);
    },
    async export(crawlJobId, format) {
      const { createExportJob } = await mutate<ExportMutation>(exportMutation, { input: { crawlJobId, format } });
      return made(createExportJob.exportJob, createExportJob.errors);
    },
    async dataset(job) {
      return datasetOf((await query<DatasetQuery>(datasetQuery, { job })).crawlJob);
    },
    async close() {
      await sockets.dispose();
    },
  };
}
