/**
 * The parts of the contracts' ABIs that the services use, human-readable (ethers). A test compares each line with the
 * compiled contracts, so services need no compiler and cannot drift from the chain.
 */
export const USER_ABI = [
  'event UserSet(address indexed account, uint256 roles, uint64 expiresAt, bool blocked)',
  'event OperatorSet(address indexed account, address oracle, address signingKey)',
  'event GatewaySet(address indexed account, address signingKey)',
  'event IdTagSet(bytes32 indexed commitment, address indexed user)',
  'function operatorCount() view returns (uint256)',
  'function operators(uint256 offset, uint256 limit) view returns (tuple(address account, address oracle, address signingKey, bool active)[] page)',
  'function gatewayCount() view returns (uint256)',
  'function gateways(uint256 offset, uint256 limit) view returns (tuple(address account, address signingKey, bool active)[] page)',
  'function MANAGER() view returns (uint256)',
  'function hasRole(address account, uint256 roles) view returns (bool)',
  'function idTagState(bytes32 commitment) view returns (uint8 state, address user)',
] as const;

/** `UserState` of UserDEVSEN, by its number. */
export const USER_STATES = ['Unknown', 'Active', 'Blocked', 'Expired'] as const;
export type UserState = (typeof USER_STATES)[number];

/** `SessionState` of DeviceDEVSEN, by its number. */
export const SESSION_STATES = [
  'None',
  'Requested',
  'Active',
  'Ended',
  'Settled',
  'Rejected',
  'Expired',
  'Suspect',
] as const;

export const FACTORY_ABI = [
  'event DeviceCreated(bytes32 indexed deviceId, address indexed device, address indexed owner, string identity)',
  'event DeviceTransferred(bytes32 indexed deviceId, address indexed from, address indexed to)',
  'event DeviceRetired(bytes32 indexed deviceId)',
  'function deviceCount() view returns (uint256)',
  'function devices(uint256 offset, uint256 limit) view returns (address[] page)',
  'function deviceOf(bytes32 deviceId) view returns (address)',
  'function isDevice(address account) view returns (bool)',
  'function devicesOf(address owner, uint256 offset, uint256 limit) view returns (address[] page)',
  'function devicesInBox((uint16 south, uint16 north, uint16 west, uint16 east) box) view returns (address[] found)',
  'function availableInBox((uint16 south, uint16 north, uint16 west, uint16 east) box) view returns ((address device, uint16 connector, int32 latitudeE7, int32 longitudeE7, (uint8 evse, uint8 standard, uint8 format, uint8 powerType, uint32 maxPowerW) offers, uint40 observedAt, uint40 askedAt)[] found)',
] as const;

export const DEVICE_ABI = [
  'event CredentialsSet(bytes32 indexed deviceId, bytes32 authorizationKeyHash, bytes32 certificateFingerprint)',
  'event ManagerSet(bytes32 indexed deviceId, address indexed manager)',
  'event SessionRequested(bytes32 indexed sessionId, address indexed occupant, uint16 indexed connector, uint256 tariffId, uint256 deposit, uint64 energyLimitWh)',
  'event SessionStarted(bytes32 indexed sessionId, bytes32 transaction, uint64 meterStartWh, uint40 startedAt)',
  'event CardSessionOpened(bytes32 indexed sessionId, address indexed occupant, bytes32 indexed idTag, uint256 locked)',
  'event CardRefused(bytes32 indexed sessionId, bytes32 indexed idTag, bytes why)',
  'event SessionEnded(bytes32 indexed sessionId, (uint8 verdict, uint8 reason, uint8 stop, uint16 connector, uint64 energyWh, uint40 startedAt, uint40 endedAt, uint32 idleSec, bytes32 idTag, bytes32 evidence) result)',
  'event SessionClosed(bytes32 indexed sessionId, uint8 state, uint8 reason)',
  'event ResultRequested(bytes32 indexed requestId, bytes32 indexed sessionId, bool isStop)',
  'event SessionConflict(bytes32 indexed sessionId, (uint8 verdict, uint8 reason, uint8 stop, uint16 connector, uint64 energyWh, uint40 startedAt, uint40 endedAt, uint32 idleSec, bytes32 idTag, bytes32 evidence) result)',
  'event StatusAgreed(bytes32 indexed requestId, uint16 indexed connector, (uint8 status, uint8 errorClass, bool online, uint40 observedAt, uint40 askedAt) status)',
  'function deviceId() view returns (bytes32)',
  'function manager() view returns (address)',
  'function meterKey() view returns (bytes)',
  'function credentials() view returns (bytes32 authorizationKeyHash, bytes32 certificateFingerprint)',
  'function payment() view returns (address)',
  'function sessionOf(bytes32 sessionId) view returns ((uint8 state, address occupant, uint16 connector, uint32 tariffId, uint40 startedAt, uint40 endedAt, uint32 idleSec, uint64 energyWh, uint8 stop, uint8 conflicts))',
  'function lastSessionAt(uint16 connector) view returns (bytes32)',
  'function occupantOf(uint16 connector) view returns (address)',
  'function tariffNow() view returns (uint256 tariffId, (address token, uint96 perKwh, uint80 perMinute, uint96 flat, uint80 perIdleMinute) tariff)',
  'function depositFor(uint16 connector, uint64 energyWh) view returns (uint256)',
  'function statusOf(uint16 connector) view returns ((uint8 status, uint8 errorClass, bool online, uint40 observedAt, uint40 askedAt))',
  'function location() view returns (int32 latitudeE7, int32 longitudeE7)',
  'function connectors() view returns ((uint8 evse, uint8 standard, uint8 format, uint8 powerType, uint32 maxPowerW)[] all)',
  'error NoTariff()',
  'function requestSessionResult(bytes32 sessionId, address linkPayer) returns (bytes32 requestId)',
  'function settleSession(bytes32 sessionId)',
  'function expireSession(bytes32 sessionId)',
] as const;

export const ORACLE_ABI = [
  'event Requested(bytes32 indexed requestId, address indexed consumer, bytes32 indexed deviceId, uint8 query, uint64 asOf, uint32 operatorSetId, bytes params)',
  'event Observed(bytes32 indexed requestId, address indexed oracle, bytes answer)',
  'event Answered(bytes32 indexed requestId, bytes answer)',
  'event Disputed(bytes32 indexed requestId)',
  'event Expired(bytes32 indexed requestId, uint256 refundJuels)',
  'event CallbackFailed(bytes32 indexed requestId)',
  'event OperatorSetChanged(uint32 indexed operatorSetId, address[] oracles, uint8 faults)',
  'function users() view returns (address)',
  'function factory() view returns (address)',
  'function link() view returns (address)',
  'function expire(bytes32 requestId)',
  'function DEADLINE_SEC() view returns (uint256)',
  'function requestOf(bytes32 requestId) view returns (tuple(address consumer, uint16 operatorSetId, uint40 askedAt, uint32 answered, uint8 outcome, address payer, uint96 feeJuels))',
  'function operatorSetId() view returns (uint32)',
  'function operatorSet(uint32 setId) view returns (address[] oracles, uint8 faults)',
  'function accountJuels(address owner) view returns (uint256)',
  'function operatorRecord(address oracle) view returns (uint64 agreed, uint64 disagreed, uint64 missed)',
  'function quoteJuels(uint8 query) view returns (uint256)',
] as const;

export const PAYMENT_ABI = [
  'event Deposited(address indexed token, address indexed account, address indexed from, uint256 amount)',
  'event Withdrawn(address indexed token, address indexed account, address indexed to, uint256 amount)',
  'event Locked(bytes32 indexed key, address indexed device, address indexed occupant, bytes32 sessionId, address token, uint256 amount, uint256 deadline)',
  'event Settled(bytes32 indexed key, address indexed device, address indexed payee, uint256 toPayee, uint256 fee, uint256 refunded)',
  'event Refunded(bytes32 indexed key, address indexed device, uint256 amount)',
  'event Expired(bytes32 indexed key, address indexed device, uint256 amount)',
  'function freeOf(address token, address account) view returns (uint256)',
  'function heldOf(address token) view returns (uint256)',
  'function isAllowed(address token) view returns (bool)',
  'function tokens(uint256 offset, uint256 limit) view returns ((address token, bool allowed)[] page)',
  'function sessionOf(bytes32 key) view returns ((uint8 status, address occupant, address payee, address token, uint256 amount, uint256 fee, uint256 timestamp) session)',
  'function keyOf(address device, bytes32 sessionId) pure returns (bytes32)',
  'function cardLimitOf(address occupant, bytes32 idTag, address token) view returns ((uint256 mostPerSession, uint256 remaining))',
  'function deposit(address token, uint256 amount, address account) returns (uint256 credited)',
  'function withdraw(address token, uint256 amount, address to) returns (uint256 debited)',
  'function setCardLimit(bytes32 idTag, address token, uint256 mostPerSession, uint256 allowance)',
  'function lockByCard(bytes32 sessionId, bytes32 idTag, address token, uint256 most, uint256 deadline) returns (address occupant, uint256 amount)',
  'error CardNotActive(bytes32 idTag, uint8 state)',
  'error NothingToLock(bytes32 idTag, address occupant, address token)',
  'error LocksPaused()',
  'error TokenNotAllowed(address token)',
  'function expire(address device, bytes32 sessionId)',
] as const;

export const REWARDS_ABI = [
  'function currentEpoch() view returns (uint48)',
  'function epochSec() view returns (uint256)',
  'function startOf(uint48 epoch) view returns (uint256)',
  'function uptimeOf(uint48 epoch, address device) view returns ((bool known, uint64 usableSec, uint64 excludedSec))',
  'function isCounted(bytes32 key) view returns (bool)',
  'function count((address device, bytes32 sessionId)[] sessions) returns (uint256 counted)',
  'function requestUptime(uint48 epoch, address device) returns (bytes32 requestId)',
  'function claimUptime(uint48 epoch, address[] devices, address earner) returns (uint256 amount)',
  'function claimOccupant(uint48 epoch, address occupant) returns (uint256 amount)',
  'function claimBuilder(uint48 epoch, address owner) returns (uint256 amount)',
] as const;

export const TOKEN_ABI = [
  'event Transfer(address indexed from, address indexed to, uint256 value)',
  'function balanceOf(address account) view returns (uint256)',
  'function decimals() view returns (uint8)',
  'function symbol() view returns (string)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function approve(address spender, uint256 value) returns (bool)',
] as const;

export const OPERATOR_ABI = [
  'event OracleRequest(bytes32 indexed specId, address requester, bytes32 requestId, uint256 payment, address callbackAddr, bytes4 callbackFunctionId, uint256 cancelExpiration, uint256 dataVersion, bytes data)',
  'event CancelOracleRequest(bytes32 indexed requestId)',
  'event OracleResponse(bytes32 indexed requestId)',
  'function fulfillOracleRequest2(bytes32 requestId, uint256 payment, address callbackAddress, bytes4 callbackFunctionId, uint256 expiration, bytes data) returns (bool)',
] as const;
