// Lists as Relay's components declare them: a connection that grows page by page and is asked again by itself.

import { graphql } from "relay-runtime";

export const viewer = graphql`
  query listsViewerQuery {
    viewer {
      id
      ...lists_projects
    }
  }
`;

export const projects = graphql`
  fragment lists_projects on Profile
  @refetchable(queryName: "listsProjectsQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 1 }, after: { type: "String" }) {
    projects(first: $first, after: $after) @connection(key: "lists_projects") {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;

export const images = graphql`
  fragment lists_images on CrawlJob
  @refetchable(queryName: "listsImagesQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    filter: { type: "ImageFilter" }
  ) {
    images(first: $first, after: $after, last: $last, before: $before, filter: $filter)
      @connection(key: "lists_images") {
      edges {
        node {
          id
          status
        }
      }
    }
  }
`;
