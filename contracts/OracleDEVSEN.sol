// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChainlinkRequestInterface} from "@chainlink/contracts/src/v0.8/operatorforwarder/interfaces/ChainlinkRequestInterface.sol";
import {OperatorInterface} from "@chainlink/contracts/src/v0.8/operatorforwarder/interfaces/OperatorInterface.sol";
import {LinkTokenInterface} from "@chainlink/contracts/src/v0.8/shared/interfaces/LinkTokenInterface.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IFactoryDEVSEN} from "./interfaces/IFactoryDEVSEN.sol";
import {IOracleConsumer} from "./interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "./interfaces/IOracleDEVSEN.sol";
import {IUserDEVSEN} from "./interfaces/IUserDEVSEN.sol";
import {AddressList} from "./libraries/AddressList.sol";
import {Bits} from "./libraries/Bits.sol";
import {DietCbor} from "./libraries/DietCbor.sol";
import {IsolatedCall} from "./libraries/IsolatedCall.sol";
import {LinkAccounts} from "./LinkAccounts.sol";
import {OperatorSets} from "./OperatorSets.sol";

/// @title The ledger of questions to the oracles
contract OracleDEVSEN is LinkAccounts, OperatorSets {
    using IsolatedCall for address;

    /// @dev All that an answer changes, in one slot.
    struct Head {
        address consumer;
        uint16 operatorSetId;
        uint40 askedAt;
        uint32 answered;
        IOracleConsumer.Outcome outcome;
    }

    struct Payment {
        address payer;
        uint96 feeJuels;
    }

    /// @inheritdoc IOracleDEVSEN
    uint256 public constant MAX_PARAMS_BYTES = 2048;
    /// @inheritdoc IOracleDEVSEN
    uint256 public constant MAX_ANSWER_BYTES = 1024;
    /// @inheritdoc IOracleDEVSEN
    uint256 public constant CALLBACK_GAS = 200_000;
    /// @inheritdoc IOracleDEVSEN
    uint256 public constant DEADLINE_SEC = 5 minutes;

    /// @dev Most gas for one operator's `transferAndCall`: twice what a real `Operator` needs with the longest parameters.
    uint256 private constant SEND_GAS = 250_000;
    /// @dev Most gas for one operator's `cancelOracleRequest`: twice what a real `Operator` needs.
    uint256 private constant CANCEL_GAS = 100_000;
    /// @dev Chainlink's `OPERATOR_ARGS_VERSION`.
    uint256 private constant OPERATOR_DATA_VERSION = 2;

    /// @inheritdoc IOracleDEVSEN
    address public immutable users;

    /// @inheritdoc IOracleDEVSEN
    address public factory;
    uint16 private _operatorSetId;
    uint80 private _nonce;

    mapping(Query query => Terms) private _terms;
    mapping(bytes32 requestId => Head) private _heads;
    mapping(bytes32 requestId => Payment) private _payments;
    /// @dev Which operators of the set gave an answer: one bit each. The key is the hash of requestId and the answer's hash.
    mapping(bytes32 key => uint256 operators) private _tally;

    modifier onlyAdmin() {
        if (msg.sender != Ownable(users).owner()) revert NotAdmin(msg.sender);
        _;
    }

    /// @param users_ UserDEVSEN.
    /// @param link_ The LINK token.
    constructor(address users_, address link_) LinkAccounts(link_) {
        if (users_ == address(0)) revert ZeroAddress();
        users = users_;
    }

    /// @inheritdoc IOracleDEVSEN
    function setFactory(address factory_) external onlyAdmin {
        if (factory_ == address(0)) revert ZeroAddress();
        if (factory != address(0)) revert FactoryAlreadySet(factory);
        factory = factory_;
        emit FactorySet(factory_);
    }

    /// @inheritdoc IOracleDEVSEN
    function setOperatorSet(address[] calldata accounts, uint8 faults) external onlyAdmin returns (uint32 setId) {
        setId = ++_operatorSetId;
        address[] memory oracles = _makeOperatorSet(setId, IUserDEVSEN(users), accounts, faults);
        emit OperatorSetChanged(setId, oracles, faults);
    }

    /// @inheritdoc IOracleDEVSEN
    function setTerms(Query query, Terms calldata terms_) external onlyAdmin {
        if (query == Query.None) revert NotOffered(query);
        _terms[query] = terms_;
        emit TermsSet(query, terms_.specId, terms_.feeJuels);
    }

    /// @inheritdoc IOracleDEVSEN
    function request(
        Query query,
        bytes32 deviceId,
        bytes calldata params,
        address payer
    ) external nonReentrant returns (bytes32 requestId) {
        uint16 setId = _operatorSetId;
        Terms memory offered = _terms[query];
        if (setId == 0 || offered.specId == 0 || factory == address(0)) revert NotOffered(query);
        if (params.length > MAX_PARAMS_BYTES) revert ParamsTooLong(params.length);
        bool isOwnDevice = _checkAsker(query, deviceId);

        uint256 nonce = ++_nonce;
        requestId = keccak256(abi.encodePacked(address(this), nonce));
        OperatorSet memory set = _setOf(setId);
        _charge(payer, set.size * uint256(offered.feeJuels), isOwnDevice);
        _heads[requestId] = Head(msg.sender, setId, uint40(block.timestamp), 0, IOracleConsumer.Outcome.Open);
        _payments[requestId] = Payment(payer, offered.feeJuels);
        emit Requested(requestId, msg.sender, deviceId, uint8(query), uint64(block.timestamp), setId, params);

        bytes memory question = DietCbor.encodeQuestion(deviceId, uint64(block.timestamp), params);
        uint256 reached = _sendToAll(requestId, nonce, offered, set, question);
        uint256 needed = set.size - set.faults;
        if (reached < needed) revert TooFewOperators(reached, needed);
        if (reached < set.size) accountJuels[payer] += (set.size - reached) * uint256(offered.feeJuels);
    }

    /// @inheritdoc IOracleDEVSEN
    function fulfil(bytes32 requestId, bytes calldata answer) external nonReentrant {
        Head memory head = _heads[requestId];
        if (head.consumer == address(0)) revert UnknownRequest(requestId);
        Member memory member = _memberOf(head.operatorSetId, msg.sender);
        if (member.size == 0) revert NotAsked(requestId, msg.sender);
        uint32 bit = uint32(1 << member.number);
        if (head.answered & bit != 0) revert AnsweredBefore(requestId, msg.sender);
        if (answer.length > MAX_ANSWER_BYTES) revert AnswerTooLong(answer.length);

        head.answered |= bit;
        emit Observed(requestId, msg.sender, answer);
        bytes32 key = keccak256(abi.encode(requestId, keccak256(answer)));
        uint256 givers = _tally[key];
        if (head.outcome == IOracleConsumer.Outcome.Agreed) {
            // Late: only the agreed answer can have been given by more than f.
            _heads[requestId].answered = head.answered;
            _recordAnswer(msg.sender, Bits.count(givers) > member.faults);
            return;
        }
        givers |= bit;
        _tally[key] = givers;
        if (Bits.count(givers) > member.faults) {
            head.outcome = IOracleConsumer.Outcome.Agreed;
            _heads[requestId] = head;
            _recordAnswers(member.list, head.answered, givers);
            emit Answered(requestId, answer);
            _tell(requestId, head, answer);
        } else if (head.answered == Bits.all(member.size)) {
            head.outcome = IOracleConsumer.Outcome.Disputed;
            _heads[requestId] = head;
            emit Disputed(requestId);
            _tell(requestId, head, "");
        } else {
            _heads[requestId].answered = head.answered;
        }
    }

    /// @inheritdoc IOracleDEVSEN
    function expire(bytes32 requestId) external nonReentrant {
        Head memory head = _heads[requestId];
        if (head.consumer == address(0)) revert UnknownRequest(requestId);
        uint256 expiresAt = head.askedAt + DEADLINE_SEC;
        if (block.timestamp < expiresAt) revert NotYetExpired(requestId, expiresAt);
        OperatorSet memory set = _setOf(head.operatorSetId);
        uint256 silent = Bits.all(set.size) & ~uint256(head.answered);
        if (silent == 0) revert NothingToExpire(requestId);

        bool wasOpen = head.outcome == IOracleConsumer.Outcome.Open;
        if (wasOpen) head.outcome = IOracleConsumer.Outcome.Expired;
        head.answered = uint32(Bits.all(set.size));
        _heads[requestId] = head;
        uint256 refundJuels = _cancelAt(set.list, silent, requestId, expiresAt);
        if (!wasOpen) {
            emit Reclaimed(requestId, refundJuels);
            return;
        }
        emit Expired(requestId, refundJuels);
        _tell(requestId, head, "");
    }

    /// @inheritdoc IOracleDEVSEN
    function quoteJuels(Query query) external view returns (uint256) {
        Terms memory offered = _terms[query];
        if (_operatorSetId == 0 || offered.specId == 0) revert NotOffered(query);
        return _setOf(_operatorSetId).size * uint256(offered.feeJuels);
    }

    /// @inheritdoc IOracleDEVSEN
    function terms(Query query) external view returns (Terms memory) {
        return _terms[query];
    }

    /// @inheritdoc IOracleDEVSEN
    function requestOf(bytes32 requestId) external view returns (Request memory) {
        Head memory head = _heads[requestId];
        Payment memory payment = _payments[requestId];
        return
            Request(
                head.consumer,
                head.operatorSetId,
                head.askedAt,
                head.answered,
                head.outcome,
                payment.payer,
                payment.feeJuels
            );
    }

    /// @inheritdoc IOracleDEVSEN
    function operatorSetId() external view returns (uint32) {
        return _operatorSetId;
    }

    /// @return isOwnDevice Whether the caller is the charger's own contract.
    function _checkAsker(Query query, bytes32 deviceId) private view returns (bool isOwnDevice) {
        address device = IFactoryDEVSEN(factory).deviceOf(deviceId);
        if (device == address(0)) revert UnknownDevice(deviceId);
        isOwnDevice = device == msg.sender;
        if (query > Query.SessionResult && !isOwnDevice) revert OnlyDevice(deviceId, msg.sender);
    }

    function _charge(address payer, uint256 juels, bool isDevice) private {
        if (payer != msg.sender) {
            bool byFactory = isDevice && allowanceJuels[payer][msg.sender] < juels;
            _spend(payer, byFactory ? factory : msg.sender, juels);
        }
        _take(payer, juels);
    }

    /// @return reached How many operators took the request and its LINK.
    function _sendToAll(
        bytes32 requestId,
        uint256 nonce,
        Terms memory offered,
        OperatorSet memory set,
        bytes memory question
    ) private returns (uint256 reached) {
        // The operator's contract writes sender and amount over the first two arguments.
        bytes memory operatorRequest = abi.encodeCall(
            OperatorInterface.operatorRequest,
            (address(0), 0, offered.specId, this.fulfil.selector, nonce, OPERATOR_DATA_VERSION, question)
        );
        bytes memory transfer = abi.encodeCall(
            LinkTokenInterface.transferAndCall,
            (address(0), offered.feeJuels, operatorRequest)
        );
        address[] memory oracles = AddressList.read(set.list);
        for (uint256 i = 0; i < oracles.length; ++i) {
            address oracle = oracles[i];
            // Only the first argument differs, so the call is encoded once and its receiver put in here.
            assembly ("memory-safe") {
                mstore(add(transfer, 0x24), oracle)
            }
            if (link.callWithGas(SEND_GAS, transfer)) ++reached;
            else emit Unreachable(requestId, oracle);
        }
    }

    function _recordAnswers(address list, uint256 answered, uint256 agreed) private {
        address[] memory oracles = AddressList.read(list);
        for (uint256 i = 0; i < oracles.length; ++i) {
            if ((answered >> i) & 1 == 1) _recordAnswer(oracles[i], (agreed >> i) & 1 == 1);
        }
    }

    /// @return refundJuels LINK that came back, now in the payer's account.
    function _cancelAt(
        address list,
        uint256 silent,
        bytes32 requestId,
        uint256 expiresAt
    ) private returns (uint256 refundJuels) {
        Payment memory payment = _payments[requestId];
        bytes memory cancel = abi.encodeCall(
            ChainlinkRequestInterface.cancelOracleRequest,
            (requestId, payment.feeJuels, this.fulfil.selector, expiresAt)
        );
        address[] memory oracles = AddressList.read(list);
        uint256 heldBefore = LinkTokenInterface(link).balanceOf(address(this));
        for (uint256 i = 0; i < oracles.length; ++i) {
            if ((silent >> i) & 1 == 0) continue;
            oracles[i].callWithGas(CANCEL_GAS, cancel);
            _recordMissed(oracles[i]);
        }
        // What really came back counts, not what an operator's contract says; no call above can change an account.
        refundJuels = LinkTokenInterface(link).balanceOf(address(this)) - heldBefore;
        refundJuels = Math.min(refundJuels, Bits.count(silent) * payment.feeJuels);
        accountJuels[payment.payer] += refundJuels;
    }

    function _tell(bytes32 requestId, Head memory head, bytes memory answer) private {
        if (head.consumer.code.length == 0) return;
        bytes memory call = abi.encodeCall(IOracleConsumer.onOracleAnswer, (requestId, head.outcome, answer));
        if (!head.consumer.callWithGas(CALLBACK_GAS, call)) emit CallbackFailed(requestId);
    }
}
