import type { GatewayCa } from './gateway-ca.ts';
import { facts } from './output.ts';
import type { Session } from './session.ts';

/** With what chargers connect: known before a password is made, which is shown once and cannot be found again. */
export interface Connection {
  /** Security profile of OCPP. @param hasCertificate - whether the chain has one of the charger */
  profileOf: (hasCertificate: boolean) => 1 | 2 | 3;
  urlOf: (identity: string) => string;
  /** What the charger must trust; undefined without TLS, or where it knows the CA already. */
  ca: GatewayCa | undefined;
}

/** @throws DevsenError `INPUT_INVALID` if nobody said where chargers connect, or the CA's file is of no use */
export async function readConnection(session: Session): Promise<Connection> {
  const base = session.gatewayUrl().replace(/\/$/, '');
  const isTls = base.startsWith('wss:');
  return {
    profileOf: (hasCertificate) => (isTls ? (hasCertificate ? 3 : 2) : 1),
    urlOf: (identity) => `${base}/${encodeURIComponent(identity)}`,
    ca: isTls ? await session.gatewayCa() : undefined,
  };
}

/** Shows with what a charger connects. */
export function showConnection(
  { output }: Session,
  { profileOf, urlOf, ca }: Connection,
  { identity, password, hasCertificate }: { identity: string; password: string; hasCertificate: boolean },
): void {
  const [url, securityProfile] = [urlOf(identity), profileOf(hasCertificate)];
  output.result({ identity, url, user: identity, password, securityProfile, ca: ca ?? null }, () => {
    const rows: [string, string][] = [
      ['URL', url],
      ['security profile', String(securityProfile)],
      ['user (HTTP Basic)', identity],
      ['password', password],
    ];
    if (securityProfile === 3) rows.push(['client certificate', 'the one whose fingerprint is on chain']);
    if (securityProfile > 1) rows.push(...caRows(ca));
    return `${identity} connects with this. The password is shown only now.\n${facts(rows)}`;
  });
}

function caRows(ca: GatewayCa | undefined): [string, string][] {
  if (ca === undefined) return [['CA', 'one that the charger trusts already (else name it: --gateway-ca)']];
  return [
    ['CA', ca.file],
    ...ca.certificates.map(({ subject, sha256 }): [string, string] => ['  SHA-256', `${sha256} (${subject})`]),
  ];
}
