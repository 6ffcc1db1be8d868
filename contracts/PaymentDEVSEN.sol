// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IFactoryDEVSEN} from "./interfaces/IFactoryDEVSEN.sol";
import {IPaymentDEVSEN} from "./interfaces/IPaymentDEVSEN.sol";
import {IUserDEVSEN} from "./interfaces/IUserDEVSEN.sol";
import {Vault} from "./Vault.sol";

/// @title Vault and escrow
contract PaymentDEVSEN is Vault {
    /// @dev Two slots for ever: a key is used once. `amount`, `payee` and `timestamp` read as in `IPaymentDEVSEN.Session`.
    /// `cardVersion` is that of the card limit from which the session was opened; 0 if by no card.
    struct Escrow {
        address occupant;
        uint96 amount;
        address payee;
        uint40 timestamp;
        uint16 tokenId;
        uint16 feeBps;
        uint16 cardVersion;
        Status status;
    }

    /// @dev `version` changes with every `setCardLimit`, and is never 0 then.
    struct Card {
        uint96 mostPerSession;
        uint96 remaining;
        uint16 version;
    }

    uint256 private constant ALL_BPS = 10_000;

    /// @inheritdoc IPaymentDEVSEN
    uint256 public constant MAX_FEE_BPS = 500;
    /// @inheritdoc IPaymentDEVSEN
    uint256 public constant MAX_LOCK_SEC = 7 days;

    /// @inheritdoc IPaymentDEVSEN
    address public factory;
    uint16 private _feeBps;
    /// @inheritdoc IPaymentDEVSEN
    bool public locksPaused;
    /// @inheritdoc IPaymentDEVSEN
    address public treasury;

    mapping(bytes32 key => Escrow) private _escrows;
    mapping(bytes32 key => bytes32 idTag) private _cardOf;
    mapping(address occupant => mapping(bytes32 idTag => mapping(address token => Card))) private _cards;

    /// @param users_ UserDEVSEN.
    constructor(address users_) Vault(users_) {}

    /// @inheritdoc IPaymentDEVSEN
    function setFactory(address factory_) external onlyAdmin {
        if (factory_ == address(0)) revert ZeroAddress();
        if (factory != address(0)) revert FactoryAlreadySet(factory);
        factory = factory_;
        emit FactorySet(factory_);
    }

    /// @inheritdoc IPaymentDEVSEN
    function setFee(uint256 feeBps_, address treasury_) external onlyAdmin {
        if (feeBps_ > MAX_FEE_BPS) revert FeeTooHigh(feeBps_);
        _checkRecipient(treasury_);
        // Not above MAX_FEE_BPS.
        _feeBps = uint16(feeBps_);
        treasury = treasury_;
        emit FeeSet(feeBps_, treasury_);
    }

    /// @inheritdoc IPaymentDEVSEN
    function setLocksPaused(bool paused) external onlyAdmin {
        locksPaused = paused;
        emit LocksPausedSet(paused);
    }

    /// @inheritdoc IPaymentDEVSEN
    function setCardLimit(bytes32 idTag, address token, uint256 mostPerSession, uint256 allowance) external {
        Card storage card = _cards[msg.sender][idTag][token];
        uint16 version = card.version == type(uint16).max ? 1 : card.version + 1;
        _cards[msg.sender][idTag][token] = Card(
            SafeCast.toUint96(mostPerSession),
            SafeCast.toUint96(allowance),
            version
        );
        emit CardLimitSet(msg.sender, idTag, token, mostPerSession, allowance);
    }

    /// @inheritdoc IPaymentDEVSEN
    function lock(
        bytes32 sessionId,
        address occupant,
        address token,
        uint256 amount,
        uint256 deadline
    ) external returns (bytes32 key) {
        return _lock(sessionId, occupant, token, amount, deadline, 0);
    }

    /// @inheritdoc IPaymentDEVSEN
    function lockByCard(
        bytes32 sessionId,
        bytes32 idTag,
        address token,
        uint256 most,
        uint256 deadline
    ) external returns (address occupant, uint256 amount) {
        IUserDEVSEN.UserState state;
        (state, occupant) = IUserDEVSEN(users).idTagState(idTag);
        if (state != IUserDEVSEN.UserState.Active) revert CardNotActive(idTag, uint8(state));
        Card storage card = _cards[occupant][idTag][token];
        uint256 allowed = Math.min(card.mostPerSession, card.remaining);
        amount = Math.min(most, Math.min(allowed, freeOf[token][occupant]));
        if (amount == 0) revert NothingToLock(idTag, occupant, token);

        bytes32 key = _lock(sessionId, occupant, token, amount, deadline, card.version);
        // Not above `remaining`.
        card.remaining -= uint96(amount);
        _cardOf[key] = idTag;
        emit CardUsed(key, idTag);
    }

    /// @inheritdoc IPaymentDEVSEN
    function settle(
        bytes32 sessionId,
        uint256 cost,
        address payee
    ) external returns (uint256 toPayee, uint256 refunded) {
        _checkRecipient(payee);
        bytes32 key = keyOf(msg.sender, sessionId);
        Escrow memory escrow = _locked(key);
        uint256 paid = Math.min(cost, escrow.amount);
        uint256 fee = _feeOf(paid, escrow.feeBps);
        toPayee = paid - fee;
        refunded = escrow.amount - paid;

        address token = _release(key, escrow, Status.Settled, payee, paid);
        if (toPayee != 0) _credit(token, payee, toPayee);
        if (fee != 0) _credit(token, treasury, fee);
        emit Settled(key, msg.sender, payee, toPayee, fee, refunded);
    }

    /// @inheritdoc IPaymentDEVSEN
    function refund(bytes32 sessionId) external {
        bytes32 key = keyOf(msg.sender, sessionId);
        Escrow memory escrow = _locked(key);
        _release(key, escrow, Status.Refunded, address(0), 0);
        emit Refunded(key, msg.sender, escrow.amount);
    }

    /// @inheritdoc IPaymentDEVSEN
    function expire(address device, bytes32 sessionId) external {
        bytes32 key = keyOf(device, sessionId);
        Escrow memory escrow = _locked(key);
        if (block.timestamp < escrow.timestamp) revert NotYetExpired(key, escrow.timestamp);
        _release(key, escrow, Status.Expired, address(0), 0);
        emit Expired(key, device, escrow.amount);
    }

    /// @inheritdoc IPaymentDEVSEN
    function feeBps() external view returns (uint256) {
        return _feeBps;
    }

    /// @inheritdoc IPaymentDEVSEN
    function cardLimitOf(address occupant, bytes32 idTag, address token) external view returns (CardLimit memory) {
        Card storage card = _cards[occupant][idTag][token];
        return CardLimit(card.mostPerSession, card.remaining);
    }

    /// @inheritdoc IPaymentDEVSEN
    function sessionOf(bytes32 key) external view returns (Session memory session) {
        Escrow memory escrow = _escrows[key];
        if (escrow.status == Status.None) return session;
        uint256 fee = escrow.status == Status.Settled ? _feeOf(escrow.amount, escrow.feeBps) : 0;
        return
            Session(
                escrow.status,
                escrow.occupant,
                escrow.payee,
                _tokenById(escrow.tokenId),
                escrow.amount,
                fee,
                escrow.timestamp
            );
    }

    /// @inheritdoc IPaymentDEVSEN
    function keyOf(address device, bytes32 sessionId) public pure returns (bytes32) {
        return keccak256(abi.encode(device, sessionId));
    }

    function _lock(
        bytes32 sessionId,
        address occupant,
        address token,
        uint256 amount,
        uint256 deadline,
        uint16 cardVersion
    ) private returns (bytes32 key) {
        if (locksPaused) revert LocksPaused();
        if (factory == address(0) || !IFactoryDEVSEN(factory).isDevice(msg.sender)) revert NotADevice(msg.sender);
        uint16 tokenId = _checkAllowed(token);
        if (deadline <= block.timestamp || deadline > block.timestamp + MAX_LOCK_SEC) revert BadDeadline(deadline);
        if (amount == 0) revert ZeroAmount();
        key = keyOf(msg.sender, sessionId);
        if (_escrows[key].status != Status.None) revert SessionExists(key);

        _debit(token, occupant, amount);
        _escrows[key] = Escrow({
            occupant: occupant,
            amount: SafeCast.toUint96(amount),
            payee: address(0),
            // At most MAX_LOCK_SEC from now.
            timestamp: uint40(deadline),
            tokenId: tokenId,
            feeBps: _feeBps,
            cardVersion: cardVersion,
            status: Status.Locked
        });
        emit Locked(key, msg.sender, occupant, sessionId, token, amount, deadline);
    }

    /// @dev Takes a session out of the lock for good, and gives the occupant what was not paid.
    function _release(
        bytes32 key,
        Escrow memory escrow,
        Status status,
        address payee,
        uint256 paid
    ) private returns (address token) {
        token = _tokenById(escrow.tokenId);
        uint256 unspent = escrow.amount - paid;
        Escrow storage stored = _escrows[key];
        // Not above what was locked.
        stored.amount = uint96(paid);
        stored.payee = payee;
        stored.timestamp = uint40(block.timestamp);
        stored.status = status;
        if (unspent == 0) return token;

        _credit(token, escrow.occupant, unspent);
        if (escrow.cardVersion != 0) {
            Card storage card = _cards[escrow.occupant][_cardOf[key]][token];
            // A limit that was set anew since then counts later sessions only.
            // Versions come round again after 2¹⁶: a sum too large must not hold the tokens back.
            if (card.version == escrow.cardVersion)
                card.remaining = uint96(Math.min(card.remaining + unspent, type(uint96).max));
        }
    }

    /// @dev Reverts: NotLocked.
    function _locked(bytes32 key) private view returns (Escrow memory escrow) {
        escrow = _escrows[key];
        if (escrow.status != Status.Locked) revert NotLocked(key, escrow.status);
    }

    /// @dev Rounded down: what cannot be divided is the owner's.
    function _feeOf(uint256 paid, uint256 bps) private pure returns (uint256) {
        return (paid * bps) / ALL_BPS;
    }
}
