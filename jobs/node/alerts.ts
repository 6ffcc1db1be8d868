import type { Logger } from '../../runtime/log.ts';

/** What an operator must look at though the node goes on. */
export interface Alerts {
  /** @param subject - what it is about; each has one alert at most */
  raise: (subject: string, text: string) => void;
  clear: (subject: string) => void;
  list: () => string[];
}

/** Says once when an alert is raised, and once when it is over. */
export function makeAlerts(log: Logger): Alerts {
  const raised = new Map<string, string>();
  return {
    raise: (subject, text) => {
      if (!raised.has(subject)) log.error({ alert: text }, 'alert');
      raised.set(subject, text);
    },
    clear: (subject) => {
      const text = raised.get(subject);
      if (raised.delete(subject)) log.info({ alert: text }, 'alert is over');
    },
    list: () => Array.from(raised.values()),
  };
}
