// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceDEVSEN} from "../interfaces/IDeviceDEVSEN.sol";
import {IOracleDEVSEN} from "../interfaces/IOracleDEVSEN.sol";
import {ChargerStatusConsumer} from "./ChargerStatusConsumer.sol";

/// @title An example: remembers the last agreed status of each connector that anyone asked about
contract ExampleStatusConsumer is ChargerStatusConsumer {
    /// @notice An agreed status.
    /// @param status The connector's status.
    /// @param errorClass Place of the error in OCPP 1.6's `ChargePointErrorCode`; 0 is NoError.
    /// @param online Whether the charger was connected.
    /// @param observedAt Unix seconds at which this was last known.
    /// @param toldAt Unix seconds at which this contract was told; 0 if never.
    struct Known {
        IDeviceDEVSEN.Status status;
        uint8 errorClass;
        bool online;
        uint64 observedAt;
        uint64 toldAt;
    }

    /// @dev Device and connector as one key: what was asked by a request, and what is known of it.
    mapping(bytes32 requestId => bytes32 topic) private _asked;
    mapping(bytes32 topic => Known) private _known;

    /// @notice A question went to the oracles.
    event Asked(bytes32 indexed requestId, bytes32 indexed deviceId, uint16 indexed connector);
    /// @notice The oracles agreed.
    event Told(bytes32 indexed requestId, Known known);
    /// @notice The oracles did not agree, or too few answered in time.
    event NotTold(bytes32 indexed requestId, Outcome outcome);

    /// @param oracle_ OracleDEVSEN.
    constructor(IOracleDEVSEN oracle_) ChargerStatusConsumer(oracle_) {}

    /// @notice Asks for a connector's status at this contract's cost.
    function ask(bytes32 deviceId, uint16 connector) external returns (bytes32 requestId) {
        requestId = _askStatus(deviceId, connector);
        _asked[requestId] = _topicOf(deviceId, connector);
        emit Asked(requestId, deviceId, connector);
    }

    /// @notice The last agreed status of a connector; all zero if there is none.
    function latest(bytes32 deviceId, uint16 connector) external view returns (Known memory) {
        return _known[_topicOf(deviceId, connector)];
    }

    /// @inheritdoc ChargerStatusConsumer
    function _onStatus(
        bytes32 requestId,
        IDeviceDEVSEN.Status status,
        uint8 errorClass,
        uint64 observedAt,
        bool online
    ) internal override {
        Known memory known = Known(status, errorClass, online, observedAt, uint64(block.timestamp));
        _known[_asked[requestId]] = known;
        delete _asked[requestId];
        emit Told(requestId, known);
    }

    /// @inheritdoc ChargerStatusConsumer
    function _onNoStatus(bytes32 requestId, Outcome outcome) internal override {
        delete _asked[requestId];
        emit NotTold(requestId, outcome);
    }

    function _topicOf(bytes32 deviceId, uint16 connector) private pure returns (bytes32) {
        return keccak256(abi.encode(deviceId, connector));
    }
}
