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

export const FACTORY_ABI = [
  'event DeviceCreated(bytes32 indexed deviceId, address indexed device, address indexed owner, string identity)',
  'function deviceCount() view returns (uint256)',
  'function devices(uint256 offset, uint256 limit) view returns (address[] page)',
  'function deviceOf(bytes32 deviceId) view returns (address)',
  'function isDevice(address account) view returns (bool)',
] as const;

export const DEVICE_ABI = [
  'event CredentialsSet(bytes32 indexed deviceId, bytes32 authorizationKeyHash, bytes32 certificateFingerprint)',
  'event ManagerSet(bytes32 indexed deviceId, address indexed manager)',
  'function deviceId() view returns (bytes32)',
  'function manager() view returns (address)',
  'function meterKey() view returns (bytes)',
  'function credentials() view returns (bytes32 authorizationKeyHash, bytes32 certificateFingerprint)',
] as const;

export const ORACLE_ABI = [
  'event Requested(bytes32 indexed requestId, address indexed consumer, bytes32 indexed deviceId, uint8 query, uint64 asOf, uint32 operatorSetId, bytes params)',
  'event Observed(bytes32 indexed requestId, address indexed oracle, bytes answer)',
  'event Answered(bytes32 indexed requestId, bytes answer)',
  'event Disputed(bytes32 indexed requestId)',
  'event Expired(bytes32 indexed requestId, uint256 refundJuels)',
  'event CallbackFailed(bytes32 indexed requestId)',
  'function users() view returns (address)',
  'function factory() view returns (address)',
  'function link() view returns (address)',
  'function expire(bytes32 requestId)',
  'function requestOf(bytes32 requestId) view returns (tuple(address consumer, uint16 operatorSetId, uint40 askedAt, uint32 answered, uint8 outcome, address payer, uint96 feeJuels))',
  'function operatorSetId() view returns (uint32)',
  'function operatorSet(uint32 setId) view returns (address[] oracles, uint8 faults)',
  'function accountJuels(address owner) view returns (uint256)',
  'function operatorRecord(address oracle) view returns (uint64 agreed, uint64 disagreed, uint64 missed)',
] as const;

export const OPERATOR_ABI = [
  'event OracleRequest(bytes32 indexed specId, address requester, bytes32 requestId, uint256 payment, address callbackAddr, bytes4 callbackFunctionId, uint256 cancelExpiration, uint256 dataVersion, bytes data)',
  'event CancelOracleRequest(bytes32 indexed requestId)',
  'event OracleResponse(bytes32 indexed requestId)',
  'function fulfillOracleRequest2(bytes32 requestId, uint256 payment, address callbackAddress, bytes4 callbackFunctionId, uint256 expiration, bytes data) returns (bool)',
] as const;
