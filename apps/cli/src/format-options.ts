// Values of options that mkfs and build have in common.

import { InvalidArgumentError } from 'commander';

/** What both take of the options of mkfs.f2fs, as commander calls them. */
export interface FormatValues {
  label?: string;
  features?: string[];
  largeNat?: boolean;
  overprovision?: number;
  uuid?: string;
  encoding?: string;
  segmentsPerSection?: number;
  sectionsPerZone?: number;
  hot?: string[];
  cold?: string[];
  defaults?: 'android';
}

/** Names separated by commas, behind those of earlier options. */
export function addNames(text: string, before: string[] | undefined): string[] {
  const names = text.split(',').map((name) => name.trim());
  return [...(before ?? []), ...names.filter((name) => name !== '')];
}

export function parsePercent(text: string): number {
  if (!/^\d+(?:\.\d+)?$/.test(text)) throw new InvalidArgumentError('It is a percentage.');
  return Number(text);
}
