// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Vault and escrow
/// @notice Holds drivers' and owners' tokens. A driver's free balance is locked for a session by the charger's contract, and
/// leaves the lock by one of three doors: settled, refunded, or expired by anyone after the deadline.
/// @dev **Credits, not transfers.** A session is settled inside an oracle's callback, with bounded gas, for tokens that may be
/// paused or refuse one of the two receivers. So a settlement moves balances within the vault and never calls a token: nothing
/// about a token or a receiver can stop it. Whoever was credited withdraws when it likes, to whatever address, many sessions
/// at once.
///
/// **Measured.** A deposit credits what arrived and a withdrawal debits what left, whatever the token says about itself: a
/// token that takes a fee, or moves less than it says, costs its own holder and nobody else. After every call
/// `heldOf(token) = all free + all locked`, and the vault's balance is at least that as long as the token does not take
/// tokens from holders by itself (a token that rebases downwards must not be allowed).
///
/// **Nothing sticks.** A lock's deadline is at most `MAX_LOCK_SEC` away. Neither the admin, the pause nor a disallowed token
/// stops a settlement, a refund, an expiry or a withdrawal.
interface IPaymentDEVSEN {
    /// @notice Where a session's tokens are. None is 0: this session never locked any. A key is used once.
    enum Status {
        None,
        Locked,
        Settled,
        Refunded,
        Expired
    }

    /// @notice A session as the vault holds it.
    /// @param status Where its tokens are.
    /// @param occupant Who pays, and gets the rest back.
    /// @param payee Who was paid; zero unless Settled.
    /// @param token In which token.
    /// @param amount Token base units: locked while Locked, paid in all (fee included) once Settled, else 0.
    /// @param fee Of a Settled session: what of `amount` went to the treasury, token base units; else 0.
    /// @param timestamp Unix seconds: the deadline while Locked, else when it left the lock.
    struct Session {
        Status status;
        address occupant;
        address payee;
        address token;
        uint256 amount;
        uint256 fee;
        uint256 timestamp;
    }

    /// @notice A token that is or was allowed.
    struct TokenView {
        address token;
        bool allowed;
    }

    /// @notice What an occupant lets an RFID card spend of one token.
    /// @param mostPerSession Most that one session may lock, token base units.
    /// @param remaining What all further sessions may spend, token base units.
    struct CardLimit {
        uint256 mostPerSession;
        uint256 remaining;
    }

    /// @notice The network's factory, set once.
    event FactorySet(address factory);
    /// @notice A token may be deposited and locked from now on, or no longer.
    event TokenSet(address indexed token, bool allowed);
    /// @notice Locks made from now on give the treasury this share of what the owner is paid.
    event FeeSet(uint256 feeBps, address treasury);
    /// @notice New locks are refused from now on, or no longer.
    event LocksPausedSet(bool paused);
    /// @notice Tokens came in, and are free for `account`.
    event Deposited(address indexed token, address indexed account, address indexed from, uint256 amount);
    /// @notice Tokens left the free balance of `account`.
    event Withdrawn(address indexed token, address indexed account, address indexed to, uint256 amount);
    /// @notice Tokens that nobody had deposited left the vault.
    event Swept(address indexed token, address indexed to, uint256 amount);
    /// @notice What an RFID card may spend changed.
    event CardLimitSet(
        address indexed occupant,
        bytes32 indexed idTag,
        address indexed token,
        uint256 mostPerSession,
        uint256 allowance
    );
    /// @notice Tokens of the occupant are locked for a session.
    event Locked(
        bytes32 indexed key,
        address indexed device,
        address indexed occupant,
        bytes32 sessionId,
        address token,
        uint256 amount,
        uint256 deadline
    );
    /// @notice The session was opened by this RFID card.
    event CardUsed(bytes32 indexed key, bytes32 indexed idTag);
    /// @notice A session was paid: `toPayee + fee + refunded` is what was locked.
    event Settled(
        bytes32 indexed key,
        address indexed device,
        address indexed payee,
        uint256 toPayee,
        uint256 fee,
        uint256 refunded
    );
    /// @notice A session's tokens went back whole, by the charger's contract.
    event Refunded(bytes32 indexed key, address indexed device, uint256 amount);
    /// @notice A session's tokens went back whole, because the deadline had passed.
    event Expired(bytes32 indexed key, address indexed device, uint256 amount);

    /// @notice The caller is not the admin of UserDEVSEN.
    error NotAdmin(address caller);
    /// @notice An argument must not be the zero address.
    error ZeroAddress();
    /// @notice The factory was set before.
    error FactoryAlreadySet(address factory);
    /// @notice The address holds no contract.
    error NotAContract(address account);
    /// @notice Neither the zero address nor the vault itself can own or receive tokens here.
    error BadRecipient(address recipient);
    /// @notice An amount must not be zero.
    error ZeroAmount();
    /// @notice The token is not allowed for deposits and locks.
    error TokenNotAllowed(address token);
    /// @notice The token said it was transferred, and nothing arrived.
    error NothingArrived(address token);
    /// @notice The free balance is too low.
    error FreeTooLow(address token, address account, uint256 free, uint256 needed);
    /// @notice So many tokens would leave, and so few are here beside those that were deposited.
    error SurplusTooLow(address token, uint256 surplus, uint256 needed);
    /// @notice The fee is above `MAX_FEE_BPS`.
    error FeeTooHigh(uint256 feeBps);
    /// @notice The caller is no charger's contract made by the factory.
    error NotADevice(address caller);
    /// @notice New locks are paused.
    error LocksPaused();
    /// @notice The deadline is not in the future, or beyond `MAX_LOCK_SEC`.
    error BadDeadline(uint256 deadline);
    /// @notice This session locked tokens before.
    error SessionExists(bytes32 key);
    /// @notice The session holds no locked tokens.
    error NotLocked(bytes32 key, Status status);
    /// @notice The deadline has not come.
    error NotYetExpired(bytes32 key, uint256 deadline);
    /// @notice Nobody active has this RFID card. `state` is an `IUserDEVSEN.UserState`.
    error CardNotActive(bytes32 idTag, uint8 state);
    /// @notice The card's limit or its occupant's free balance leaves nothing to lock.
    error NothingToLock(bytes32 idTag, address occupant, address token);

    /// @notice Highest fee, basis points of what an owner is paid.
    function MAX_FEE_BPS() external view returns (uint256);

    /// @notice Longest time from a lock to its deadline, seconds.
    function MAX_LOCK_SEC() external view returns (uint256);

    /// @notice UserDEVSEN: the admin, and whose an RFID card is.
    function users() external view returns (address);

    /// @notice FactoryDEVSEN: which contracts are chargers.
    function factory() external view returns (address);

    /// @notice Names the factory, once. Admin only.
    /// @dev Reverts: NotAdmin, ZeroAddress, FactoryAlreadySet.
    function setFactory(address factory_) external;

    /// @notice Allows a token for deposits and locks, or stops new ones; what is in the vault stays free to leave. Admin only.
    /// @dev Reverts: NotAdmin, NotAContract.
    function setToken(address token, bool allowed) external;

    /// @notice Sets the fee of locks made from now on, and who gets all fees settled from now on. Admin only.
    /// @dev Reverts: NotAdmin, FeeTooHigh, BadRecipient.
    /// @param feeBps_ Basis points of what the owner is paid; taken from the owner, rounded down. The driver pays the same.
    /// @param treasury_ Whose free balance the fees go to.
    function setFee(uint256 feeBps_, address treasury_) external;

    /// @notice Refuses new locks, or takes them again. Admin only. Nothing else is ever paused.
    /// @dev Reverts: NotAdmin.
    function setLocksPaused(bool paused) external;

    /// @notice Moves tokens that somebody sent here without a deposit. Admin only.
    /// @dev What was deposited cannot be touched, not even by a fee that the token takes from the vault.
    /// Reverts: NotAdmin, BadRecipient, ZeroAmount, SurplusTooLow, SafeERC20FailedOperation, or as the token.
    function sweep(address token, uint256 amount, address to) external;

    /// @notice Takes tokens of the caller, who approved them before, into somebody's free balance.
    /// @dev Reverts: TokenNotAllowed, BadRecipient, ZeroAmount, NothingArrived, SafeERC20FailedOperation, or as the token.
    /// @param token An allowed token.
    /// @param amount Token base units to take.
    /// @param account Whose balance it is from now on.
    /// @return credited Token base units that arrived.
    function deposit(address token, uint256 amount, address account) external returns (uint256 credited);

    /// @notice As `deposit`, with the caller's approval as an ERC-2612 signature.
    /// @dev A permit that somebody else brought first does no harm: the approval counts, not who brought it.
    /// @param permitDeadline Unix seconds until which the signature holds; with `v`, `r`, `s` the caller's permit for `amount`.
    function depositWithPermit(
        address token,
        uint256 amount,
        address account,
        uint256 permitDeadline,
        uint8 v,
        bytes32 r,
        bytes32 s
    ) external returns (uint256 credited);

    /// @notice Takes tokens out of the caller's free balance.
    /// @dev Never paused. Reverts: BadRecipient, ZeroAmount, FreeTooLow (also for what the token takes on top),
    /// SafeERC20FailedOperation, or as the token.
    /// @param to Who gets them.
    /// @return debited Token base units that left.
    function withdraw(address token, uint256 amount, address to) external returns (uint256 debited);

    /// @notice Says what sessions opened by an RFID card may spend of the caller's free balance. It counts while the card is
    /// the caller's in UserDEVSEN, and replaces what the caller said before.
    /// @dev Reverts: SafeCastOverflowedUintDowncast (96 bits).
    /// @param idTag The card's commitment.
    /// @param mostPerSession Most that one session may lock, token base units.
    /// @param allowance What sessions opened from now on may spend in all, token base units; 0 ends it.
    function setCardLimit(bytes32 idTag, address token, uint256 mostPerSession, uint256 allowance) external;

    /// @notice Locks tokens of an occupant for a session of the calling charger.
    /// @dev The charger's contract has made sure that the occupant wants this.
    /// Reverts: LocksPaused, NotADevice, TokenNotAllowed, BadDeadline, ZeroAmount, SessionExists, FreeTooLow,
    /// SafeCastOverflowedUintDowncast (96 bits).
    /// @param sessionId The charger's own id of the session, never used before.
    /// @param amount Token base units.
    /// @param deadline Unix seconds from which anyone may send the tokens back.
    /// @return key The session's key here.
    function lock(
        bytes32 sessionId,
        address occupant,
        address token,
        uint256 amount,
        uint256 deadline
    ) external returns (bytes32 key);

    /// @notice Locks tokens for a session that an RFID card opened: as many as asked for, as the occupant's limit for that card
    /// and token and the free balance allow.
    /// @dev Reverts as `lock`, and CardNotActive, NothingToLock.
    /// @param idTag The card's commitment.
    /// @param most Most token base units to lock.
    /// @return occupant Whose card it is.
    /// @return amount Token base units that are locked.
    function lockByCard(
        bytes32 sessionId,
        bytes32 idTag,
        address token,
        uint256 most,
        uint256 deadline
    ) external returns (address occupant, uint256 amount);

    /// @notice Pays for a session of the calling charger and gives the rest back; also after the deadline, if nobody expired it.
    /// @dev Reverts: NotLocked, BadRecipient.
    /// @param cost Token base units the session cost; what lies above the locked amount is not paid.
    /// @param payee The charger's owner.
    /// @return toPayee Token base units the owner got.
    /// @return refunded Token base units the occupant got back.
    function settle(
        bytes32 sessionId,
        uint256 cost,
        address payee
    ) external returns (uint256 toPayee, uint256 refunded);

    /// @notice Gives a session's tokens back whole; the calling charger only.
    /// @dev Reverts: NotLocked.
    function refund(bytes32 sessionId) external;

    /// @notice From the deadline on, by anyone: gives a session's tokens back whole.
    /// @dev Reverts: NotLocked, NotYetExpired.
    function expire(address device, bytes32 sessionId) external;

    /// @notice Basis points of what an owner is paid that go to the treasury, for locks made now.
    function feeBps() external view returns (uint256);

    /// @notice Whose free balance the fees go to.
    function treasury() external view returns (address);

    /// @notice Whether new locks are refused.
    function locksPaused() external view returns (bool);

    /// @notice Whether a token may be deposited and locked.
    function isAllowed(address token) external view returns (bool);

    /// @notice How many tokens were ever allowed.
    function tokenCount() external view returns (uint256);

    /// @notice A page of all tokens ever allowed, in the order in which they first were.
    function tokens(uint256 offset, uint256 limit) external view returns (TokenView[] memory);

    /// @notice Token base units of `account` that are not locked.
    function freeOf(address token, address account) external view returns (uint256);

    /// @notice Token base units that the vault owes to all: free and locked.
    function heldOf(address token) external view returns (uint256);

    /// @notice What an occupant lets a card spend of a token; all zero if nothing.
    function cardLimitOf(address occupant, bytes32 idTag, address token) external view returns (CardLimit memory);

    /// @notice A session; all zero if it never locked any tokens.
    function sessionOf(bytes32 key) external view returns (Session memory);

    /// @notice The key of a charger's session here.
    function keyOf(address device, bytes32 sessionId) external pure returns (bytes32);
}
