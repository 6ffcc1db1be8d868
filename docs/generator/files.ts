import { settingsTables } from './settings.ts';

export const README = 'README.md';
export const ENV_EXAMPLE = '.env.example';
export const OCPP = 'docs/ocpp.md';
export const API = 'docs/api.md';
export const CONTRACTS = 'docs/contracts.md';

const BEGIN = '<!-- settings: written by npm run docs -->';
const END = '<!-- end of settings -->';

/**
 * A README with the settings' tables as the code has them now.
 *
 * @throws Error if the marks between which they stand are gone
 */
export function renderReadme(readme: string): string {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${README} has lost its marks: ${BEGIN} and ${END}`);
  return `${readme.slice(0, from + BEGIN.length)}\n\n${settingsTables()}\n\n${readme.slice(to)}`;
}
