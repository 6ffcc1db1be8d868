// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IOracleConsumer} from "./IOracleConsumer.sol";

/// @title The ledger of questions to the oracles
/// @notice Takes a query about a charger, sends it with LINK to every node operator's own Chainlink `Operator`, counts the
/// answers byte for byte and delivers the first that f + 1 operators gave.
/// @dev At every operator one request has the same id: `keccak256(abi.encodePacked(ledger, nonce))`.
///
/// Gas: Chainlink's `Operator` calls `fulfil` with at least 400,000 gas left, marks its request as answered and swallows a
/// revert. So an answer that finds too little gas to give the consumer its full `CALLBACK_GAS` must never come from a real
/// `Operator`: the bounds `MAX_OPERATORS`, `MAX_ANSWER_BYTES` and `CALLBACK_GAS` are chosen so that 400,000 always is
/// enough, also for the answer that decides last of all and so writes every operator's record. Any other caller with less is refused and may come again: `GasTooLow`.
interface IOracleDEVSEN {
    /// @notice What can be asked. None is 0; the numbers are those of the job specs.
    enum Query {
        None,
        ChargerStatus,
        MeterReading,
        Uptime,
        SessionResult,
        StartCharge,
        StopCharge,
        GetConfiguration,
        SetConfiguration,
        Command
    }

    /// @notice The job that answers a query, and its price.
    /// @param specId The 32 ASCII hex digits of the job's `externalJobID`.
    /// @param feeJuels LINK for each operator asked, juels.
    struct Terms {
        bytes32 specId;
        uint96 feeJuels;
    }

    /// @notice A request as the ledger holds it.
    /// @param consumer Who asked, and is told.
    /// @param operatorSetId The operators it was sent to.
    /// @param askedAt Unix seconds; the 'as of' of the question.
    /// @param answered One bit for each operator of the set that is done with: it answered, or the request was expired.
    /// @param outcome How it ended; Open while it has not.
    /// @param payer Whose LINK account paid.
    /// @param feeJuels LINK sent to each operator, juels.
    struct Request {
        address consumer;
        uint16 operatorSetId;
        uint40 askedAt;
        uint32 answered;
        IOracleConsumer.Outcome outcome;
        address payer;
        uint96 feeJuels;
    }

    /// @notice A question went out.
    event Requested(
        bytes32 indexed requestId,
        address indexed consumer,
        bytes32 indexed deviceId,
        uint8 query,
        uint64 asOf,
        uint32 operatorSetId,
        bytes params
    );
    /// @notice An operator's contract refused the request and was paid nothing for it.
    event Unreachable(bytes32 indexed requestId, address indexed oracle);
    /// @notice One operator's answer.
    event Observed(bytes32 indexed requestId, address indexed oracle, bytes answer);
    /// @notice f + 1 operators gave this answer.
    event Answered(bytes32 indexed requestId, bytes answer);
    /// @notice Every operator answered, and no answer was given by f + 1.
    event Disputed(bytes32 indexed requestId);
    /// @notice The deadline passed without f + 1 equal answers; the LINK of the silent operators went back.
    event Expired(bytes32 indexed requestId, uint256 refundJuels);
    /// @notice After an answered request's deadline the LINK of the silent operators went back.
    event Reclaimed(bytes32 indexed requestId, uint256 refundJuels);
    /// @notice The consumer's callback reverted or ran out of its gas.
    event CallbackFailed(bytes32 indexed requestId);
    /// @notice From now on requests go to these operators, of which `faults` may lie or be silent.
    event OperatorSetChanged(uint32 indexed operatorSetId, address[] oracles, uint8 faults);
    /// @notice A query has these terms from now on.
    event TermsSet(Query indexed query, bytes32 specId, uint96 feeJuels);
    /// @notice The network's factory, set once.
    event FactorySet(address factory);
    /// @notice LINK came into an account.
    event Funded(address indexed owner, uint256 juels);
    /// @notice LINK left an account.
    event Withdrawn(address indexed owner, address to, uint256 juels);
    /// @notice `spender` may ask for `juels` in all at the cost of `owner`.
    event AllowanceSet(address indexed owner, address indexed spender, uint256 juels);

    /// @notice The caller is not the admin of UserDEVSEN.
    error NotAdmin(address caller);
    /// @notice An argument must not be the zero address.
    error ZeroAddress();
    /// @notice The factory was set before.
    error FactoryAlreadySet(address factory);
    /// @notice LINK is taken only from the LINK token.
    error NotLink(address caller);
    /// @notice Data beside a LINK transfer is empty or an ABI-encoded address.
    error BadTransferData();
    /// @notice The set has `n` operators; at most MAX_OPERATORS and at least 3 × `faults` + 1 with `faults` at least 1.
    error BadOperatorSet(uint256 n, uint256 faults);
    /// @notice The account is no active operator.
    error NotAnOperator(address account);
    /// @notice An operator stands twice in a set.
    error OperatorTwice(address account);
    /// @notice No operator set or no terms yet for this query.
    error NotOffered(Query query);
    /// @notice The factory made no such charger.
    error UnknownDevice(bytes32 deviceId);
    /// @notice Only the charger's own contract may ask this query.
    error OnlyDevice(bytes32 deviceId, address caller);
    /// @notice The parameters are longer than MAX_PARAMS_BYTES.
    error ParamsTooLong(uint256 length);
    /// @notice The answer is longer than MAX_ANSWER_BYTES.
    error AnswerTooLong(uint256 length);
    /// @notice The account holds too little LINK.
    error AccountTooLow(address owner, uint256 juels, uint256 neededJuels);
    /// @notice The account's owner did not allow the caller that much LINK.
    error AllowanceTooLow(address owner, address spender, uint256 juels, uint256 neededJuels);
    /// @notice So few operators took the request that f more silent ones would leave no agreement.
    error TooFewOperators(uint256 reached, uint256 needed);
    /// @notice No such request.
    error UnknownRequest(bytes32 requestId);
    /// @notice The caller is no `Operator` of the set the request was sent to.
    error NotAsked(bytes32 requestId, address caller);
    /// @notice This operator answered before, or the request is over.
    error AnsweredBefore(bytes32 requestId, address oracle);
    /// @notice The deadline has not passed.
    error NotYetExpired(bytes32 requestId, uint256 expiresAt);
    /// @notice Every operator is done with: nothing to expire or reclaim.
    error NothingToExpire(bytes32 requestId);
    /// @notice There is too little gas for the call that must follow.
    error GasTooLow(uint256 gasLeft, uint256 needed);

    /// @notice Most operators in a set.
    function MAX_OPERATORS() external view returns (uint256);

    /// @notice Longest parameters of a query, bytes.
    function MAX_PARAMS_BYTES() external view returns (uint256);

    /// @notice Longest answer, bytes.
    function MAX_ANSWER_BYTES() external view returns (uint256);

    /// @notice Gas that a consumer's callback gets: all of it or no delivery.
    function CALLBACK_GAS() external view returns (uint256);

    /// @notice Seconds after which a request can be expired: those after which a Chainlink `Operator` can be cancelled.
    function DEADLINE_SEC() external view returns (uint256);

    /// @notice UserDEVSEN: operators, and the admin.
    function users() external view returns (address);

    /// @notice FactoryDEVSEN: which chargers there are.
    function factory() external view returns (address);

    /// @notice The LINK token.
    function link() external view returns (address);

    /// @notice Names the factory, once. Admin only.
    /// @dev Reverts: NotAdmin, ZeroAddress, FactoryAlreadySet.
    function setFactory(address factory_) external;

    /// @notice From now on requests go to these operators; requests under way stay with theirs. Admin only.
    /// @dev Reverts: NotAdmin, BadOperatorSet, NotAnOperator, OperatorTwice.
    /// @param accounts Accounts of active operators in UserDEVSEN; asked at the `Operator` each has there now.
    /// @param faults f: how many of them may lie or be silent without harm; an answer needs f + 1.
    /// @return operatorSetId Number of the new set.
    function setOperatorSet(address[] calldata accounts, uint8 faults) external returns (uint32 operatorSetId);

    /// @notice Sets job and price of a query, from the next request on. Admin only.
    /// @dev Reverts: NotAdmin, NotOffered (query None). A zero specId takes the query off.
    function setTerms(Query query, Terms calldata terms_) external;

    /// @notice Asks. The answer comes to the caller's `onOracleAnswer`, if the caller is a contract.
    /// @dev Anyone may ask ChargerStatus, MeterReading, Uptime and SessionResult; the others only the charger's own contract.
    /// Costs `quoteJuels(query)` from the payer's LINK account. Operators whose contract refuses are not paid; so many may
    /// refuse that f more silent ones still leave f + 1.
    /// Reverts: NotOffered, UnknownDevice, OnlyDevice, ParamsTooLong, AccountTooLow, AllowanceTooLow, TooFewOperators, GasTooLow.
    /// @param query What is asked.
    /// @param deviceId The charger: keccak256 of its OCPP identity.
    /// @param params ABI-encoded, per query.
    /// @param payer Whose LINK account pays: the caller's own, or one that allowed it.
    /// @return requestId Id of the request, here and at every operator.
    function request(
        Query query,
        bytes32 deviceId,
        bytes calldata params,
        address payer
    ) external returns (bytes32 requestId);

    /// @notice An operator's answer; called by the operator's `Operator` contract.
    /// @dev Reverts: UnknownRequest, NotAsked, AnsweredBefore, AnswerTooLong, GasTooLow.
    /// @param requestId The request.
    /// @param answer The observation.
    function fulfil(bytes32 requestId, bytes calldata answer) external;

    /// @notice After the deadline, by anyone: takes the LINK of the operators that did not answer back to the payer's account,
    /// counts them as missed, and if no answer was agreed tells the consumer that the request expired.
    /// @dev An `Operator` that refuses to give LINK back costs that LINK and stops nothing else.
    /// Reverts: UnknownRequest, NotYetExpired, NothingToExpire, GasTooLow.
    function expire(bytes32 requestId) external;

    /// @notice Takes LINK out of the caller's account.
    /// @dev To put some in, send it to the ledger by LINK's `transferAndCall`, with empty data for one's own account or
    /// `abi.encode(owner)` for another's. Reverts: AccountTooLow, ZeroAddress.
    function withdraw(address to, uint256 juels) external;

    /// @notice Lets `spender` ask at the caller's cost, `juels` in all; `type(uint256).max` for no bound.
    /// @dev What is allowed to the factory counts for every device it made: a device only ever charges its own caller.
    function allow(address spender, uint256 juels) external;

    /// @notice What one request costs now, juels.
    /// @dev Reverts: NotOffered.
    function quoteJuels(Query query) external view returns (uint256);

    /// @notice Job and price of a query.
    function terms(Query query) external view returns (Terms memory);

    /// @notice LINK in an account, juels.
    function accountJuels(address owner) external view returns (uint256);

    /// @notice What `spender` may still spend of `owner`'s account, juels.
    function allowanceJuels(address owner, address spender) external view returns (uint256);

    /// @notice A request; all zero if there is none.
    function requestOf(bytes32 requestId) external view returns (Request memory);

    /// @notice Number of the set to which requests go now; 0 before the first.
    function operatorSetId() external view returns (uint32);

    /// @notice The `Operator` contracts of a set, in order, and its f.
    function operatorSet(uint32 setId) external view returns (address[] memory oracles, uint8 faults);

    /// @notice How often an operator agreed with the agreed answer, gave another one, or gave none before the deadline.
    /// @dev Answers to requests that found no agreement count as neither.
    function operatorRecord(address oracle) external view returns (uint64 agreed, uint64 disagreed, uint64 missed);
}
