import type { Brand } from "../base/brand.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * Endpoints in their order as one text, apart by a space: what is kept of thousands of hosts. A list of one endpoint is that endpoint itself and takes nothing, where an
 * array takes 56 bytes beside it.
 */
export type EndpointList = Brand<string, "EndpointList">;

export const NO_ENDPOINTS = "" as EndpointList;

export function endpointList(endpoints: readonly Endpoint[]): EndpointList {
  return endpoints.join(" ") as EndpointList;
}

export function listedEndpoints(list: EndpointList): readonly Endpoint[] {
  return list === NO_ENDPOINTS ? [] : (list.split(" ") as Endpoint[]);
}
