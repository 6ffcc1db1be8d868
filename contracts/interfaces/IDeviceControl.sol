// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Answers} from "../libraries/Answers.sol";
import {IOracleDEVSEN} from "./IOracleDEVSEN.sol";

/// @title Configuration and commands of a charger, through the oracles
/// @notice What a manager asks here, f + 1 operators approve and the charger answers, for everybody to see. Never put a secret
/// into a value or a payload: the chain is public.
interface IDeviceControl {
    /// @notice A question of the manager and what came of it.
    /// @param query GetConfiguration, SetConfiguration or Command; None if there is no such request.
    /// @param isOpen Whether the oracles have not answered yet.
    /// @param verdict What the answer says; None if there is none or the oracles did not agree.
    /// @param reason Why it is not Done.
    /// @param answeredAt Unix seconds; 0 if it is open.
    /// @param answerHash keccak256 of the agreed answer, which `ControlAnswered` shows whole.
    // Two slots: the linter does not know that enums have one byte.
    // solhint-disable-next-line gas-struct-packing
    struct Control {
        IOracleDEVSEN.Query query;
        bool isOpen;
        Answers.Verdict verdict;
        Answers.Reason reason;
        uint40 answeredAt;
        bytes32 answerHash;
    }

    /// @notice The manager asked. `params` is what the query carries.
    event ControlRequested(bytes32 indexed requestId, IOracleDEVSEN.Query indexed query, bytes params);
    /// @notice The oracles agreed. GetConfiguration: `abi.encode(verdict, reason, string[] values)` in the order of the keys;
    /// SetConfiguration: `abi.encode(verdict, reason)`; Command: `abi.encode(verdict, reason, bytes32 replyHash)`.
    event ControlAnswered(
        bytes32 indexed requestId,
        IOracleDEVSEN.Query indexed query,
        Answers.Verdict verdict,
        Answers.Reason reason,
        bytes answer
    );
    /// @notice The oracles did not agree, or not in time.
    event ControlNotAgreed(bytes32 indexed requestId, IOracleDEVSEN.Query indexed query);

    /// @notice This key holds a secret, which must not go on chain.
    error SecretKey(string key);

    /// @notice Asks for values of configuration keys. Manager only; its LINK account pays.
    /// @dev The parameters of the query are `abi.encode(string[] keys)`. Reverts: NotManager, and as `IOracleDEVSEN.request`.
    function getConfiguration(string[] calldata keys) external returns (bytes32 requestId);

    /// @notice Has a configuration key set. Manager only; its LINK account pays.
    /// @dev The parameters of the query are `abi.encode(string key, string value)`. Reverts: NotManager, SecretKey
    /// (AuthorizationKey), and as `IOracleDEVSEN.request`.
    function setConfiguration(string calldata key, string calldata value) external returns (bytes32 requestId);

    /// @notice Has an OCPP action carried out. Manager only; its LINK account pays.
    /// @dev The parameters of the query are `abi.encode(string action, string payload)`. Reverts: NotManager, and as
    /// `IOracleDEVSEN.request`.
    /// @param action OCPP action, for example `Reset`.
    /// @param payload Its payload, JSON.
    function command(string calldata action, string calldata payload) external returns (bytes32 requestId);

    /// @notice A question of the manager; all zero if there is none.
    function controlOf(bytes32 requestId) external view returns (Control memory);
}
