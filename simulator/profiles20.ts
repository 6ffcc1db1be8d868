import { type ChargingProfile, wattsPerAmpere } from './charging-limits.ts';
import type { CommandRule } from './controls.ts';
import { asFields, asList, asNumber, asText, asTimeMs, optional, timeText } from './json-fields.ts';

type Fields = Record<string, unknown>;

const rejected = { status: 'Rejected' };
/** Where limits come from that a CSMS set. */
const SOURCE = 'CSO';
/** What no profile limits is limited by the charger itself: to 22 kW. */
const OWN_LIMIT_W = 22_000;

/** The commands of smart charging (OCPP 2.0.1 K). */
export const profilesCommands: Readonly<Record<string, CommandRule>> = {
  SetChargingProfile: ({ evseId, chargingProfile }, controls) => {
    const connector = Number(evseId);
    if (connector !== 0 && !controls.connectors().includes(connector)) return rejected;
    const fields = asFields(chargingProfile);
    const profile = readProfile20(fields, connector, controls.nowMs());
    if (profile.periods.length === 0) return rejected;
    // only an external system, not the CSMS, sets those (K01.FR.22)
    if (profile.purpose === 'External') return rejected;
    if (profile.purpose === 'StationMax' && connector !== 0) return rejected;
    if (profile.purpose === 'Tx') {
      const at = profile.transaction === undefined ? undefined : controls.connectorOfTransaction(profile.transaction);
      if (connector === 0 || at !== connector) return rejected;
    }
    controls.limits.add(profile);
    return { status: 'Accepted' };
  },
  ClearChargingProfile: ({ chargingProfileId, chargingProfileCriteria }, { limits }) => {
    const { evseId, chargingProfilePurpose, stackLevel } = asFields(chargingProfileCriteria);
    const purpose = chargingProfilePurpose === undefined ? undefined : purposeOf(chargingProfilePurpose);
    const gone = limits.remove((profile) =>
      chargingProfileId !== undefined
        ? profile.id === chargingProfileId
        : (evseId === undefined || profile.connector === evseId) &&
          (purpose === undefined || profile.purpose === purpose) &&
          (stackLevel === undefined || profile.stackLevel === stackLevel),
    );
    return { status: gone > 0 ? 'Accepted' : 'Unknown' };
  },
  GetChargingProfiles: ({ requestId, evseId, chargingProfile }, controls) => {
    const { chargingProfilePurpose, stackLevel, chargingProfileId } = asFields(chargingProfile);
    const ids = asList(chargingProfileId);
    const found = controls.limits.all().filter((profile) => {
      return (
        profile.source !== undefined &&
        (evseId === undefined || profile.connector === evseId) &&
        (ids.length === 0 || ids.includes(profile.id)) &&
        (chargingProfilePurpose === undefined || profile.purpose === purposeOf(chargingProfilePurpose)) &&
        (stackLevel === undefined || profile.stackLevel === stackLevel)
      );
    });
    if (found.length === 0) return { status: 'NoProfiles' };
    const evses = [...new Set(found.map(({ connector }) => connector))];
    for (const [index, id] of evses.entries()) {
      const payload = {
        requestId: Number(requestId),
        chargingLimitSource: SOURCE,
        evseId: id,
        tbc: index < evses.length - 1,
        chargingProfile: found.filter(({ connector }) => connector === id).map(({ source }) => source),
      };
      controls.say({ kind: 'call', action: 'ReportChargingProfiles', payload });
    }
    return { status: 'Accepted' };
  },
  GetCompositeSchedule: ({ evseId, duration, chargingRateUnit }, controls) => {
    const connector = Number(evseId);
    if (connector !== 0 && !controls.connectors().includes(connector)) return rejected;
    const unit = chargingRateUnit === 'A' ? 'A' : 'W';
    const periods = controls.limits.composite(connector, Number(duration));
    if (periods.length === 0) return rejected;
    const schedule = {
      evseId: connector,
      duration: Number(duration),
      scheduleStart: timeText(controls.nowMs()),
      chargingRateUnit: unit,
      chargingSchedulePeriod: periods.map(({ startSec, limitW }) => ({
        startPeriod: startSec,
        limit: limitIn(unit, limitW),
      })),
    };
    return { status: 'Accepted', schedule };
  },
};

/** Reads a `ChargingProfileType`; of several schedules the first counts. One of kind `Dynamic` holds from now on. */
export function readProfile20(fields: Fields, connector: number, nowMs: number): ChargingProfile {
  const schedule = asFields(asList(fields.chargingSchedule)[0]);
  const isDynamic = fields.chargingProfileKind === 'Dynamic';
  const startMs = isDynamic ? nowMs : asTimeMs(schedule.startSchedule);
  return {
    id: Number(fields.id),
    connector,
    stackLevel: Number(fields.stackLevel),
    purpose: purposeOf(fields.chargingProfilePurpose),
    kind: isDynamic ? 'Absolute' : (fields.chargingProfileKind as ChargingProfile['kind']),
    ...optional('recurrency', fields.recurrencyKind as ChargingProfile['recurrency']),
    ...optional('validFromMs', asTimeMs(fields.validFrom)),
    ...optional('validToMs', asTimeMs(fields.validTo)),
    ...optional('transaction', asText(fields.transactionId)),
    ...optional('startMs', startMs),
    ...optional('durationSec', asNumber(schedule.duration)),
    unit: schedule.chargingRateUnit === 'A' ? 'A' : 'W',
    periods: asList(schedule.chargingSchedulePeriod).map((each) => {
      const { startPeriod, limit, numberPhases } = asFields(each);
      return {
        startSec: Number(startPeriod),
        limit: asNumber(limit) ?? Number.POSITIVE_INFINITY,
        ...optional('phases', asNumber(numberPhases)),
      };
    }),
    source: fields,
  };
}

function purposeOf(name: unknown): ChargingProfile['purpose'] {
  switch (name) {
    case 'ChargingStationExternalConstraints':
      return 'External';
    case 'ChargingStationMaxProfile':
      return 'StationMax';
    case 'TxProfile':
      return 'Tx';
    default:
      return 'TxDefault';
  }
}

/** @returns to a tenth of the unit */
function limitIn(unit: 'W' | 'A', limitW: number): number {
  const bounded = Math.min(limitW, OWN_LIMIT_W);
  return Math.round((unit === 'W' ? bounded : bounded / wattsPerAmpere()) * 10) / 10;
}
