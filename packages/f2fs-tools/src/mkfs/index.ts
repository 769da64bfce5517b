export { defaultColdExtensions, defaultHotExtensions } from './extensions.ts';
export { FORMAT_FEATURES } from './features.ts';
export { type FormatReport, formatGeometry, formatVolume } from './format-volume.ts';
export type { Layout } from './layout.ts';
export type { FormatOptions, GeometryOptions } from './options.ts';
