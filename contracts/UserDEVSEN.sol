// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {IUserDEVSEN} from "./interfaces/IUserDEVSEN.sol";
import {Page} from "./libraries/Page.sol";

/// @title Who may do what in the network
contract UserDEVSEN is IUserDEVSEN, Ownable2Step, EIP712 {
    using EnumerableSet for EnumerableSet.AddressSet;

    struct User {
        uint8 roles;
        uint64 expiresAt;
        bool blocked;
        bool known;
    }

    struct OperatorKeys {
        address oracle;
        address signingKey;
    }

    /// @inheritdoc IUserDEVSEN
    uint256 public constant OCCUPANT = 1;
    /// @inheritdoc IUserDEVSEN
    uint256 public constant MANAGER = 2;
    /// @inheritdoc IUserDEVSEN
    uint256 public constant OPERATOR = 4;
    /// @inheritdoc IUserDEVSEN
    uint256 public constant GATEWAY = 8;
    /// @inheritdoc IUserDEVSEN
    uint256 public constant REGISTRAR = 16;

    bytes32 private constant KEY_CONSENT = keccak256("KeyConsent(address account)");
    uint256 private constant ALL_ROLES = 31;
    uint256 private constant ROLES_OF_REGISTRAR = OCCUPANT | MANAGER;

    mapping(address account => User) private _users;
    mapping(uint256 role => EnumerableSet.AddressSet) private _byRole;
    address[] private _operators;
    mapping(address account => OperatorKeys) private _operatorKeys;
    address[] private _gateways;
    mapping(address account => address signingKey) private _gatewayKeys;
    mapping(bytes32 commitment => address user) private _idTags;
    /// @inheritdoc IUserDEVSEN
    mapping(address signingKey => address account) public accountOfKey;
    /// @inheritdoc IUserDEVSEN
    mapping(address oracle => address account) public accountOfOracle;

    /// @param admin Who stands above all registrars.
    constructor(address admin) Ownable(admin) EIP712("DEVSEN", "1") {}

    /// @inheritdoc IUserDEVSEN
    function setUser(address account, uint256 roles, uint64 expiresAt, bool blocked) external {
        uint256 rolesBefore = _users[account].roles;
        if (msg.sender != owner()) {
            bool touchesMore = (roles | rolesBefore) & ~ROLES_OF_REGISTRAR != 0;
            if (touchesMore || !hasRole(msg.sender, REGISTRAR)) revert NotAllowed(msg.sender);
        }
        if (account == address(0)) revert ZeroAddress();
        if (roles & ~ALL_ROLES != 0) revert UnknownRoles(roles);
        if (roles & OPERATOR != 0 && _operatorKeys[account].oracle == address(0)) revert KeyRequired(account, OPERATOR);
        if (roles & GATEWAY != 0 && _gatewayKeys[account] == address(0)) revert KeyRequired(account, GATEWAY);

        _setUser(account, roles, expiresAt, blocked);
    }

    /// @inheritdoc IUserDEVSEN
    function setOperator(address account, address oracle, address signingKey) external onlyOwner {
        if (account == address(0) || signingKey == address(0)) revert ZeroAddress();
        if (oracle.code.length == 0) revert NotAContract(oracle);
        address holder = accountOfOracle[oracle];
        if (holder != account) {
            if (holder != address(0)) revert OracleTaken(oracle, holder);
            accountOfOracle[oracle] = account;
        }
        _claimKey(signingKey, account);

        if (_operatorKeys[account].oracle == address(0)) _operators.push(account);
        _operatorKeys[account] = OperatorKeys(oracle, signingKey);
        emit OperatorSet(account, oracle, signingKey);
        _addRole(account, OPERATOR);
    }

    /// @inheritdoc IUserDEVSEN
    function setGateway(address account, address signingKey) external onlyOwner {
        if (account == address(0) || signingKey == address(0)) revert ZeroAddress();
        _claimKey(signingKey, account);

        if (_gatewayKeys[account] == address(0)) _gateways.push(account);
        _gatewayKeys[account] = signingKey;
        emit GatewaySet(account, signingKey);
        _addRole(account, GATEWAY);
    }

    /// @inheritdoc IUserDEVSEN
    function rotateOperatorKey(address signingKey, bytes calldata proof) external {
        if (!hasRole(msg.sender, OPERATOR)) revert NotAllowed(msg.sender);
        _checkConsent(signingKey, proof);
        _claimKey(signingKey, msg.sender);

        OperatorKeys storage keys = _operatorKeys[msg.sender];
        keys.signingKey = signingKey;
        emit OperatorSet(msg.sender, keys.oracle, signingKey);
    }

    /// @inheritdoc IUserDEVSEN
    function rotateGatewayKey(address signingKey, bytes calldata proof) external {
        if (!hasRole(msg.sender, GATEWAY)) revert NotAllowed(msg.sender);
        _checkConsent(signingKey, proof);
        _claimKey(signingKey, msg.sender);

        _gatewayKeys[msg.sender] = signingKey;
        emit GatewaySet(msg.sender, signingKey);
    }

    /// @inheritdoc IUserDEVSEN
    function setIdTag(bytes32 commitment, address user) external {
        if (msg.sender != owner() && !hasRole(msg.sender, REGISTRAR)) revert NotAllowed(msg.sender);
        if (commitment == 0) revert ZeroCommitment();
        if (user != address(0) && !_users[user].known) revert UnknownUser(user);

        _idTags[commitment] = user;
        emit IdTagSet(commitment, user);
    }

    /// @inheritdoc IUserDEVSEN
    function revokeIdTag(bytes32 commitment) external {
        if (_idTags[commitment] != msg.sender) revert NotAllowed(msg.sender);

        delete _idTags[commitment];
        emit IdTagSet(commitment, address(0));
    }

    /// @inheritdoc Ownable
    /// @dev Always reverts with AdminRequired: there is no network without an admin.
    function renounceOwnership() public pure override {
        revert AdminRequired();
    }

    /// @inheritdoc IUserDEVSEN
    function userOf(address account) external view returns (uint256 roles, uint64 expiresAt, bool blocked) {
        User storage user = _users[account];
        return (user.roles, user.expiresAt, user.blocked);
    }

    /// @inheritdoc IUserDEVSEN
    function countByRole(uint256 role) external view returns (uint256) {
        return _membersOf(role).length();
    }

    /// @inheritdoc IUserDEVSEN
    function usersByRole(uint256 role, uint256 offset, uint256 limit) external view returns (address[] memory page) {
        EnumerableSet.AddressSet storage members = _membersOf(role);
        (uint256 from, uint256 to) = Page.bounds(members.length(), offset, limit);
        page = members.values(from, to);
    }

    /// @inheritdoc IUserDEVSEN
    function operatorCount() external view returns (uint256) {
        return _operators.length;
    }

    /// @inheritdoc IUserDEVSEN
    function operators(uint256 offset, uint256 limit) external view returns (OperatorView[] memory page) {
        (uint256 from, uint256 to) = Page.bounds(_operators.length, offset, limit);
        page = new OperatorView[](to - from);
        for (uint256 i = from; i < to; ++i) {
            page[i - from] = _viewOperator(_operators[i]);
        }
    }

    /// @inheritdoc IUserDEVSEN
    function operatorOf(address account) external view returns (OperatorView memory operator) {
        if (_operatorKeys[account].oracle != address(0)) operator = _viewOperator(account);
    }

    /// @inheritdoc IUserDEVSEN
    function gatewayCount() external view returns (uint256) {
        return _gateways.length;
    }

    /// @inheritdoc IUserDEVSEN
    function gateways(uint256 offset, uint256 limit) external view returns (GatewayView[] memory page) {
        (uint256 from, uint256 to) = Page.bounds(_gateways.length, offset, limit);
        page = new GatewayView[](to - from);
        for (uint256 i = from; i < to; ++i) {
            page[i - from] = _viewGateway(_gateways[i]);
        }
    }

    /// @inheritdoc IUserDEVSEN
    function gatewayOf(address account) external view returns (GatewayView memory gateway) {
        if (_gatewayKeys[account] != address(0)) gateway = _viewGateway(account);
    }

    /// @inheritdoc IUserDEVSEN
    function idTagState(bytes32 commitment) external view returns (UserState state, address user) {
        user = _idTags[commitment];
        state = userState(user);
    }

    /// @inheritdoc IUserDEVSEN
    function userState(address account) public view returns (UserState state) {
        User storage user = _users[account];
        if (!user.known) return UserState.Unknown;
        if (user.blocked) return UserState.Blocked;
        if (user.expiresAt != 0 && user.expiresAt <= block.timestamp) return UserState.Expired;
        return UserState.Active;
    }

    /// @inheritdoc IUserDEVSEN
    function hasRole(address account, uint256 roles) public view returns (bool) {
        return _users[account].roles & roles == roles && userState(account) == UserState.Active;
    }

    function _addRole(address account, uint256 role) private {
        User storage user = _users[account];
        _setUser(account, user.roles | role, user.expiresAt, user.blocked);
    }

    function _setUser(address account, uint256 roles, uint64 expiresAt, bool blocked) private {
        uint256 changed = roles ^ _users[account].roles;
        for (uint256 role = 1; role <= changed; role <<= 1) {
            if (changed & role == 0) continue;
            if (roles & role != 0) _byRole[role].add(account);
            else _byRole[role].remove(account);
        }
        // The callers made sure that no other bit is set.
        _users[account] = User(uint8(roles), expiresAt, blocked, true);
        emit UserSet(account, roles, expiresAt, blocked);
    }

    function _claimKey(address signingKey, address account) private {
        address holder = accountOfKey[signingKey];
        if (holder == account) return;
        if (holder != address(0)) revert KeyTaken(signingKey, holder);
        accountOfKey[signingKey] = account;
    }

    /// @dev Reverts: ZeroAddress, BadKeyProof.
    function _checkConsent(address signingKey, bytes calldata proof) private view {
        if (signingKey == address(0)) revert ZeroAddress();
        bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(KEY_CONSENT, msg.sender)));
        (address signer, , ) = ECDSA.tryRecoverCalldata(digest, proof);
        if (signer != signingKey) revert BadKeyProof(signingKey, msg.sender);
    }

    function _viewOperator(address account) private view returns (OperatorView memory) {
        OperatorKeys storage keys = _operatorKeys[account];
        return OperatorView(account, keys.oracle, keys.signingKey, hasRole(account, OPERATOR));
    }

    function _viewGateway(address account) private view returns (GatewayView memory) {
        return GatewayView(account, _gatewayKeys[account], hasRole(account, GATEWAY));
    }

    function _membersOf(uint256 role) private view returns (EnumerableSet.AddressSet storage) {
        bool isOneRole = role != 0 && role & (role - 1) == 0 && role & ~ALL_ROLES == 0;
        if (!isOneRole) revert UnknownRoles(role);
        return _byRole[role];
    }
}
