/**
 * Records of real meters with their published keys, from the reference data of S.A.F.E. e.V.'s transparency software:
 * three makers, three curves, three ways of writing.
 */
export const PUBLISHED_RECORDS = [
  {
    meter: 'eBZ LD3, integers of a fixed width in the signature',
    text: [
      'OCMF|{"FV":"1.0","GI":"eBZ LD3","GS":"1EBZ0300034628","GV":"V207","MS":"1EBZ0300034628","PG":"T120","IS":true,',
      '"IL":"TRUSTED","IT":"EMAID","ID":"DKV_Testbox2","CI":"Dies","CT":"EVSEID",',
      '"RD":[{"TM":"2022-10-27T19:38:50,000+0200 I","TX":"B","RV":2851485,"RI":"1-b:1.8.e","RU":"Wh","ST":"G"},',
      '{"TM":"2022-10-27T19:43:38,000+0200 I","TX":"E","RV":2851753,"RI":"1-b:1.8.e","RU":"Wh","ST":"G"}]}',
      '|{"SA":"ECDSA-secp192r1-SHA256","SD":"30340218e10a077929f593717affdff69a5df0d2862989a6638f873d',
      '0218007d21b1c0255c5b24a3c5a01d600839ebae2bb67bcb1159"}',
    ].join(''),
    key: Buffer.from(
      [
        '3049301306072a8648ce3d020106082a8648ce3d03010103320004',
        '1e155ef46fbcc56005769c08d792127c006c242ccccd96bf7051b6fbc278497036659e7bae57f542776a17c7f8b28600',
      ].join(''),
      'hex',
    ),
    curve: 'prime192v1',
    serial: '1EBZ0300034628',
    page: 120,
    registersMicroWh: [2_851_485_000_000n, 2_851_753_000_000n],
    digit: ['2851753', '9851753'],
  },
  {
    meter: 'DZG DVH4013, a value as padded text',
    text: [
      'OCMF|{"FV" : "1.0","GI" : "Nano CH-10311C","GS" : "060643","GV" : "v017","PG" : "T198","MV" : "DZG",',
      '"MM" : "DVH4013","MS" : "1DZG0033016824","IS" : true,"IL" : "VERIFIED",',
      '"IF" : ["RFID_NONE","OCPP_NONE","ISO15118_NONE","PLMN_NONE"],"IT" : "EMAID","ID" : "04ab076a345b85",',
      '"CT" : "CBIDC","CI" : "CI","RD" : [{"TM" : "2021-10-26T10:20:52,000+0200 I","TX" : "B",',
      '"RV" : "       9.038","RI" : "01-00:01.08.00.FF","RU" : "kWh","RT" : "AC","EF" : "","ST" : "G"}]}',
      '|{"SA" : "ECDSA-secp256k1-SHA256","SD" : "3046022100A4C188533ECA1793336520F7F99E010E62DEC32ABD344A562B00D396F65DFFE9',
      '022100CB0FB3782E406525641D689F4326D2118365A722EE75AAAB976C14B090BE49DA"}',
    ].join(''),
    key: Buffer.from(
      'MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEqHEykfqZhspgok6zCQh/329B38xine8ujzT8p5Nh7lek47cYeZj507aN6E4/QirF1b7Q57ln4VGfK6h0d0GOQA==',
      'base64',
    ),
    curve: 'secp256k1',
    serial: '1DZG0033016824',
    page: 198,
    registersMicroWh: [9_038_000_000n],
    digit: ['9.038', '9.938'],
  },
  {
    meter: 'TwinCharger Pro, a version as number and a signature in Base64',
    text: [
      'OCMF|{"FV": 1.0, "GI": "TwinCharger Pro 2.1.0", "GS": "TC_00010", "GV": "0.5.15-1", "PG": "T2", "MV": "DZG", ',
      '"MM": "DVH4013", "MS": "33019230", "CT": 0, "CI": "DE*EBW*EP006120*1", "UCPN": "101", ',
      '"RD": [{"TM": "2021-04-09T09:09:51,000+0200 I", "TX": "B", "RV": "0.0", "RI": "1-0:1.8.0", "RU": "kWh", ',
      '"RT": "AC", "EF": "", "ST": "G"}, {"TM": "2021-04-09T09:21:30,000+0200 I", "TX": "E", "RV": "1.304", ',
      '"RI": "1-0:1.8.0", "RU": "kWh", "RT": "AC", "EF": "", "ST": "G"}], ',
      '"IS": true, "IL": "HEARSAY", "IT": "ISO14443", "ID": "ad228beb"}',
      '|{"SD":"MEUCIQCW6ui2zIeCPLfElYuJoT0HJBmx7JTauGrWEAb+5l3LmAIgN4Q9vTm86z0rRJFF3p+gHnXp7YmRbJiuUrp61a+vHB4=",',
      '"SA":"ECDSA-secp256r1-SHA256","SE":"base64"}',
    ].join(''),
    key: Buffer.from(
      [
        '3059301306072a8648ce3d020106082a8648ce3d030107034200042c2646046965',
        '328e8db4700e78c19816f91a9a389f61aa9c5b3b87dae6cba7a277afafb16390003',
        '1a1b507291f1c3d8d951bfd48b1edab4b406551a9c26ad12a',
      ].join(''),
      'hex',
    ),
    curve: 'prime256v1',
    serial: '33019230',
    page: 2,
    registersMicroWh: [0n, 1_304_000_000n],
    digit: ['1.304', '9.304'],
  },
] as const;
