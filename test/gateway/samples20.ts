import type { OcppVersion } from '../../core/ocpp-version.ts';
import { actionsOf, leastPayload, schemasOf } from '../simulator/schemas.ts';

export type Version20 = Exclude<OcppVersion, 'ocpp1.6'>;

/** What OCPP 2.1 has a charger send without an answer. */
export const SEND_21 = 'NotifyPeriodicEventStream';

/** Messages of OCPP 2.x that a CSMS sends, by how their names begin, and others; `DataTransfer` goes both ways. */
const OF_CSMS =
  /^(AFRRSignal|Adjust|Cancel|CertificateSigned|Change|Clear(?!ed)|CostUpdated|CustomerInformation|Delete|Get(?!15118|Certificate)|Install|NotifyAllowed|NotifyWebPayment|PublishFirmware$|Request|ReserveNow|Reset|SendLocalList|Set|TriggerMessage|UnlockConnector|Unpublish|Update|UsePriority)/;

/** The messages of a version by who sends them, in order. */
export function messagesTested20(version: Version20): { fromCharger: string[]; toCharger: string[] } {
  const actions = actionsOf(version);
  const toCharger = actions.filter((action) => OF_CSMS.test(action));
  const fromCharger = actions.filter((action) => !OF_CSMS.test(action));
  if (version === 'ocpp2.1') fromCharger.push(SEND_21);
  return { fromCharger: fromCharger.sort(), toCharger: [...toCharger, 'DataTransfer'].sort() };
}

/** The least payload that the schema of each message takes. */
export function payloads20(version: Version20) {
  const schemas = new Map(schemasOf(version).map((schema) => [schema.$id, schema]));
  const least = (name: string) => leastPayload(schemas.get(`urn:${name}`) ?? {}) as object;
  return {
    request: (action: string) => least(action === SEND_21 ? action : `${action}.req`),
    response: (action: string) => least(`${action}.conf`),
  };
}
