import type { OcppVersion } from '../../core/ocpp-version.ts';
import { FROM_CHARGER_16, TO_CHARGER_16 } from './samples16.ts';
import { messagesTested20, SEND_21 } from './samples20.ts';
import type { RawCharger } from './support.ts';

/** Messages by who sends them, in order. */
export interface MessagesByEnd {
  fromCharger: string[];
  toCharger: string[];
}

/** What `docs/ocpp.md` calls tested: the suites of the whole versions exchange it, and fail if they have not. */
export function messagesTested(version: OcppVersion): MessagesByEnd {
  if (version !== 'ocpp1.6') return messagesTested20(version);
  return { fromCharger: Object.keys(FROM_CHARGER_16), toCharger: Object.keys(TO_CHARGER_16) };
}

type Frame = [type: number, messageId: string, action: string];

/** What has gone over a charger's socket and was answered with a result; a SEND is not answered. */
export function exchanged({ sent, received }: Pick<RawCharger, 'sent' | 'received'>): MessagesByEnd {
  const [ofCharger, ofGateway] = [sent, received].map((texts) => texts.map((text) => JSON.parse(text) as Frame));
  const answered = (calls: Frame[] = [], answers: Frame[] = []) => {
    const results = new Set(answers.filter(([type]) => type === 3).map(([, id]) => id));
    const isDone = ([type, id, action]: Frame) => (type === 2 ? results.has(id) : type === 6 && action === SEND_21);
    return [...new Set(calls.filter(isDone).map(([, , action]) => action))].sort();
  };
  return { fromCharger: answered(ofCharger, ofGateway), toCharger: answered(ofGateway, ofCharger) };
}
