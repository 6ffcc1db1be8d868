/** OCPI `ConnectorType`, as the chain numbers it: by its place in OCPI 2.2.1 §8.4.5, from 1; 0 is unsaid. */
export const CONNECTOR_STANDARDS = [
  'UNSAID',
  'CHADEMO',
  'CHAOJI',
  ...Array.from('ABCDEFGHIJKLMNO', (letter) => `DOMESTIC_${letter}`),
  'GBT_AC',
  'GBT_DC',
  'IEC_60309_2_single_16',
  'IEC_60309_2_three_16',
  'IEC_60309_2_three_32',
  'IEC_60309_2_three_64',
  'IEC_62196_T1',
  'IEC_62196_T1_COMBO',
  'IEC_62196_T2',
  'IEC_62196_T2_COMBO',
  'IEC_62196_T3A',
  'IEC_62196_T3C',
  'NEMA_5_20',
  'NEMA_6_30',
  'NEMA_6_50',
  'NEMA_10_30',
  'NEMA_10_50',
  'NEMA_14_30',
  'NEMA_14_50',
  'PANTOGRAPH_BOTTOM_UP',
  'PANTOGRAPH_TOP_DOWN',
  'TESLA_R',
  'TESLA_S',
] as const;

/** OCPI `ConnectorFormat`, by its number on chain. */
export const CONNECTOR_FORMATS = ['UNSAID', 'SOCKET', 'CABLE'] as const;

/** OCPI `PowerType`, by its number on chain. */
export const POWER_TYPES = ['UNSAID', 'AC_1_PHASE', 'AC_2_PHASE', 'AC_2_PHASE_SPLIT', 'AC_3_PHASE', 'DC'] as const;
