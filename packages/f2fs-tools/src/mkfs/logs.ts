// Where the six logs of a new volume stand: each in a zone of its own, so that they never share an erase block.

import type { LayoutOptions } from './layout.ts';

/** Main segments that the logs start in. */
export interface LogSegments {
  readonly hotNode: number;
  readonly warmNode: number;
  readonly coldNode: number;
  readonly hotData: number;
  readonly warmData: number;
  readonly coldData: number;
}

/**
 * Initial current segments (5.4). `zoneCount` counts zones of the main area: seven or more, three with feature ro, so
 * that no two logs meet.
 *
 * Default: nodes and hot data from the start, cold data at a quarter, warm data at half of the area. Heap: nodes and hot
 * data from the end. Read-only for good: two logs only, the other four stand where the nodes are.
 */
export function initialLogs(zoneCount: number, options: LayoutOptions): LogSegments {
  const { segmentsPerSection, sectionsPerZone } = options;
  if (options.readOnly) return { hotNode: 0, warmNode: 0, coldNode: 0, hotData: 1, warmData: 0, coldData: 0 };
  const zone = segmentsPerSection * sectionsPerZone;
  return options.heap
    ? heapLogs((zoneCount - 1) * zone + (sectionsPerZone - 1) * segmentsPerSection, zone)
    : spreadLogs(zoneCount, zone);
}

function spreadLogs(zoneCount: number, zone: number): LogSegments {
  const hotData = 3 * zone;
  const coldData = Math.max((Math.floor(zoneCount / 4) - 1) * zone, hotData + zone);
  const warmData = Math.max((Math.floor(zoneCount / 2) - 1) * zone, coldData + zone);
  return { hotNode: 0, warmNode: zone, coldNode: 2 * zone, hotData, warmData, coldData };
}

function heapLogs(last: number, zone: number): LogSegments {
  return {
    hotNode: last,
    warmNode: last - zone,
    coldNode: last - 2 * zone,
    hotData: last - 3 * zone,
    warmData: zone,
    coldData: 0,
  };
}
