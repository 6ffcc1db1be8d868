// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DeviceInfo} from "./DeviceInfo.sol";
import {IDeviceControl} from "./interfaces/IDeviceControl.sol";
import {IOracleDEVSEN} from "./interfaces/IOracleDEVSEN.sol";
import {Answers} from "./libraries/Answers.sol";

/// @title Configuration and commands of a charger, through the oracles
abstract contract DeviceControl is DeviceInfo {
    bytes32 private constant SECRET = keccak256("AuthorizationKey");

    mapping(bytes32 requestId => Control) private _controls;

    /// @inheritdoc IDeviceControl
    function getConfiguration(string[] calldata keys) external onlyManager returns (bytes32 requestId) {
        return _ask(IOracleDEVSEN.Query.GetConfiguration, abi.encode(keys));
    }

    /// @inheritdoc IDeviceControl
    function setConfiguration(
        string calldata key,
        string calldata value
    ) external onlyManager returns (bytes32 requestId) {
        if (keccak256(bytes(key)) == SECRET) revert SecretKey(key);
        return _ask(IOracleDEVSEN.Query.SetConfiguration, abi.encode(key, value));
    }

    /// @inheritdoc IDeviceControl
    function command(string calldata action, string calldata payload) external onlyManager returns (bytes32 requestId) {
        return _ask(IOracleDEVSEN.Query.Command, abi.encode(action, payload));
    }

    /// @inheritdoc IDeviceControl
    function controlOf(bytes32 requestId) external view returns (Control memory) {
        return _controls[requestId];
    }

    /// @return isMine Whether the request was one of the manager's.
    function _takeControl(bytes32 requestId, Outcome outcome, bytes calldata answer) internal returns (bool isMine) {
        Control memory control = _controls[requestId];
        if (!control.isOpen) return false;
        control.isOpen = false;
        control.answeredAt = uint40(block.timestamp);
        if (outcome != Outcome.Agreed) {
            _controls[requestId] = control;
            emit ControlNotAgreed(requestId, control.query);
            return true;
        }

        Answers.Reply memory reply = abi.decode(answer, (Answers.Reply));
        (control.verdict, control.reason, control.answerHash) = (reply.verdict, reply.reason, keccak256(answer));
        _controls[requestId] = control;
        emit ControlAnswered(requestId, control.query, reply.verdict, reply.reason, answer);
        return true;
    }

    function _ask(IOracleDEVSEN.Query query, bytes memory params) private returns (bytes32 requestId) {
        requestId = IOracleDEVSEN(oracle).request(query, deviceId(), params, msg.sender);
        _controls[requestId].query = query;
        _controls[requestId].isOpen = true;
        emit ControlRequested(requestId, query, params);
    }
}
