// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Who may do what in the network
/// @notice Authorised users and their roles; the keys of node operators and gateways; the RFID cards of occupants.
/// @dev One admin, handed over in two steps (`transferOwnership`, `acceptOwnership`), stands above registrars, who may only
/// make and change occupants and managers and their cards. Every other contract of the network asks this one.
interface IUserDEVSEN {
    /// @notice What is known of an account, or of the account behind an RFID card, right now.
    /// @dev Unknown is 0, so unset storage never reads as Active. Blocked outweighs Expired.
    enum UserState {
        Unknown,
        Active,
        Blocked,
        Expired
    }

    /// @notice A node operator.
    /// @param account Its account here; its name in the network.
    /// @param oracle Its Chainlink `Operator` contract, to which the ledger sends requests.
    /// @param signingKey Address of the key with which it signs approvals and reports.
    /// @param active Whether `account` holds the role and is Active now.
    struct OperatorView {
        address account;
        address oracle;
        address signingKey;
        bool active;
    }

    /// @notice A gateway.
    /// @param account Its account here; its name in the network.
    /// @param signingKey Address of the key with which it signs batches of charger events.
    /// @param active Whether `account` holds the role and is Active now.
    struct GatewayView {
        address account;
        address signingKey;
        bool active;
    }

    /// @notice A user was made or changed.
    /// @param roles Bits: see `OCCUPANT` and its siblings.
    /// @param expiresAt Unix seconds from which the user is Expired; 0 for never.
    event UserSet(address indexed account, uint256 roles, uint64 expiresAt, bool blocked);

    /// @notice A node operator was made, or has other addresses now.
    event OperatorSet(address indexed account, address oracle, address signingKey);

    /// @notice A gateway was made, or has another key now.
    event GatewaySet(address indexed account, address signingKey);

    /// @notice An RFID card belongs to `user` now; to nobody if `user` is zero.
    event IdTagSet(bytes32 indexed commitment, address indexed user);

    /// @notice The caller may not do this.
    error NotAllowed(address caller);
    /// @notice The network cannot be without an admin.
    error AdminRequired();
    /// @notice An argument must not be the zero address.
    error ZeroAddress();
    /// @notice No such bits exist as roles.
    error UnknownRoles(uint256 roles);
    /// @notice The role comes with addresses: use `setOperator` or `setGateway`.
    error KeyRequired(address account, uint256 role);
    /// @notice Another account has this key, or had it once.
    error KeyTaken(address signingKey, address account);
    /// @notice The signature is not the key's consent to serve the account.
    error BadKeyProof(address signingKey, address account);
    /// @notice Another operator has this `Operator` contract, or had it once.
    error OracleTaken(address oracle, address account);
    /// @notice The address holds no contract.
    error NotAContract(address account);
    /// @notice The commitment of an RFID card must not be zero.
    error ZeroCommitment();
    /// @notice The account was never made a user.
    error UnknownUser(address account);

    /// @notice Role of who charges an EV.
    function OCCUPANT() external view returns (uint256);

    /// @notice Role of who owns and runs chargers.
    function MANAGER() external view returns (uint256);

    /// @notice Role of who runs a node that answers requests.
    function OPERATOR() external view returns (uint256);

    /// @notice Role of who takes in chargers' connections.
    function GATEWAY() external view returns (uint256);

    /// @notice Role of who may make and change occupants, managers and RFID cards.
    function REGISTRAR() external view returns (uint256);

    /// @notice Makes or changes a user.
    /// @dev Reverts: NotAllowed (a registrar touches more than OCCUPANT and MANAGER), ZeroAddress, UnknownRoles,
    /// KeyRequired (OPERATOR or GATEWAY for an account that was never given its keys).
    /// @param account The user.
    /// @param roles Bits of all roles it holds from now on.
    /// @param expiresAt Unix seconds from which it is Expired; 0 for never.
    /// @param blocked Whether it is Blocked.
    function setUser(address account, uint256 roles, uint64 expiresAt, bool blocked) external;

    /// @notice Makes `account` a node operator, or gives an operator other addresses. Admin only.
    /// @dev Adds OPERATOR to its roles; does not unblock. Reverts: OwnableUnauthorizedAccount, ZeroAddress, NotAContract,
    /// KeyTaken, OracleTaken.
    /// @param account The operator's account.
    /// @param oracle Its Chainlink `Operator` contract.
    /// @param signingKey Address of its signing key.
    function setOperator(address account, address oracle, address signingKey) external;

    /// @notice Makes `account` a gateway, or gives a gateway another key. Admin only.
    /// @dev Adds GATEWAY to its roles; does not unblock. Reverts: OwnableUnauthorizedAccount, ZeroAddress, KeyTaken.
    /// @param account The gateway's account.
    /// @param signingKey Address of its signing key.
    function setGateway(address account, address signingKey) external;

    /// @notice An operator changes its own signing key; requests under way are not touched.
    /// @dev The key has to consent, so that nobody can take a key away from its holder by naming it first: `proof` is its
    /// EIP-712 signature of `KeyConsent(address account)` under the domain `DEVSEN`, version `1`, the chain's id and this
    /// contract. Reverts: NotAllowed (caller is no active operator), ZeroAddress, BadKeyProof, KeyTaken.
    /// @param signingKey Address of the new key.
    /// @param proof 65 bytes: r, s, v.
    function rotateOperatorKey(address signingKey, bytes calldata proof) external;

    /// @notice A gateway changes its own signing key.
    /// @dev Reverts: NotAllowed (caller is no active gateway), ZeroAddress, BadKeyProof, KeyTaken.
    /// @param signingKey Address of the new key.
    /// @param proof As for `rotateOperatorKey`.
    function rotateGatewayKey(address signingKey, bytes calldata proof) external;

    /// @notice Gives an RFID card to a user, moves it, or revokes it. One card has one user.
    /// @dev Reverts: NotAllowed (caller is neither admin nor active registrar), ZeroCommitment, UnknownUser.
    /// @param commitment HMAC-SHA-256 of the lower-case idTag under the network's pepper.
    /// @param user Its user from now on; zero to revoke.
    function setIdTag(bytes32 commitment, address user) external;

    /// @notice An occupant revokes an RFID card of its own, for instance a lost one.
    /// @dev Reverts: NotAllowed (the card is not the caller's).
    /// @param commitment The card.
    function revokeIdTag(bytes32 commitment) external;

    /// @notice State of an account now.
    function userState(address account) external view returns (UserState state);

    /// @notice A user as it was last set; all zero if it never was.
    function userOf(address account) external view returns (uint256 roles, uint64 expiresAt, bool blocked);

    /// @notice Whether `account` is Active now and holds every role in `roles`.
    function hasRole(address account, uint256 roles) external view returns (bool);

    /// @notice How many users hold a role, Active or not.
    /// @dev Reverts: UnknownRoles unless `role` is exactly one role.
    function countByRole(uint256 role) external view returns (uint256);

    /// @notice A page of the users that hold a role, Active or not. The order changes when users lose the role.
    /// @dev Reverts: UnknownRoles unless `role` is exactly one role. A page beyond the end is shorter or empty.
    function usersByRole(uint256 role, uint256 offset, uint256 limit) external view returns (address[] memory page);

    /// @notice How many operators were ever made.
    function operatorCount() external view returns (uint256);

    /// @notice A page of all operators ever made, in the order in which they were made.
    function operators(uint256 offset, uint256 limit) external view returns (OperatorView[] memory page);

    /// @notice One operator; all zero if the account was never one.
    function operatorOf(address account) external view returns (OperatorView memory);

    /// @notice The operator account that has or had this `Operator` contract; zero if none.
    function accountOfOracle(address oracle) external view returns (address);

    /// @notice How many gateways were ever made.
    function gatewayCount() external view returns (uint256);

    /// @notice A page of all gateways ever made, in the order in which they were made.
    function gateways(uint256 offset, uint256 limit) external view returns (GatewayView[] memory page);

    /// @notice One gateway; all zero if the account was never one.
    function gatewayOf(address account) external view returns (GatewayView memory);

    /// @notice The account that has or had this signing key; zero if none. A key never passes to another account.
    function accountOfKey(address signingKey) external view returns (address);

    /// @notice State and user of an RFID card now; Unknown and zero if nobody has it.
    function idTagState(bytes32 commitment) external view returns (UserState state, address user);
}
