import type { Happening } from './conversation.ts';
import { timeText } from './json-fields.ts';

/** What a charger remembers of what happened, for a CSMS that asks for its log. It holds no card and no key. */
export interface StationLog {
  note: (happening: Happening) => void;
  text: () => string;
}

const MOST_LINES = 1_000;

export function makeStationLog(nowMs: () => number): StationLog {
  const lines: string[] = [];
  return {
    note: (happening) => {
      lines.push(`${timeText(nowMs())} ${lineOf(happening)}`);
      if (lines.length > MOST_LINES) lines.shift();
    },
    text: () => `${lines.join('\n')}\n`,
  };
}

function lineOf(happening: Happening): string {
  switch (happening.kind) {
    case 'refused':
      return `refused ${happening.status ?? happening.why}`;
    case 'disconnected':
      return `disconnected ${happening.code}`;
    case 'registered':
      return `registered ${happening.registration}`;
    case 'acknowledged':
    case 'unanswered':
    case 'lost':
      return `${happening.kind} ${happening.message.kind}`;
    case 'rejected':
      return `rejected ${happening.message.kind} ${happening.code}`;
    default:
      return happening.kind;
  }
}
