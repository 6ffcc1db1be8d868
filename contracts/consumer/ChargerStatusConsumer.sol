// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDeviceDEVSEN} from "../interfaces/IDeviceDEVSEN.sol";
import {IOracleConsumer} from "../interfaces/IOracleConsumer.sol";
import {IOracleDEVSEN} from "../interfaces/IOracleDEVSEN.sol";

/// @title What a contract inherits to ask for the status of chargers
/// @notice `_askStatus` asks, `_onStatus` is told, `_onNoStatus` is told if the oracles did not agree or not answer in time.
/// The contract needs LINK in its account at the ledger: send it there by LINK's `transferAndCall` with
/// `abi.encode(address of the contract)` as data.
abstract contract ChargerStatusConsumer is IOracleConsumer {
    /// @notice The ledger of questions to the oracles.
    IOracleDEVSEN public immutable oracle;

    /// @notice The caller is not the ledger.
    error NotOracle(address caller);

    /// @param oracle_ OracleDEVSEN.
    constructor(IOracleDEVSEN oracle_) {
        oracle = oracle_;
    }

    /// @inheritdoc IOracleConsumer
    /// @dev The ledger calls nobody but who asked, and once; so there is nothing to check but that it is the ledger.
    function onOracleAnswer(bytes32 requestId, Outcome outcome, bytes calldata answer) external {
        if (msg.sender != address(oracle)) revert NotOracle(msg.sender);
        if (outcome != Outcome.Agreed) return _onNoStatus(requestId, outcome);

        (IDeviceDEVSEN.Status status, uint8 errorClass, uint64 observedAt, bool online) = abi.decode(
            answer,
            (IDeviceDEVSEN.Status, uint8, uint64, bool)
        );
        _onStatus(requestId, status, errorClass, observedAt, online);
    }

    /// @notice Asks at the cost of this contract's LINK account.
    /// @dev Reverts as `IOracleDEVSEN.request`.
    /// @param deviceId keccak256 of the charger's OCPP identity.
    /// @param connector OCPP `connectorId`; 0 for the charger as a whole.
    /// @return requestId Id of the request.
    function _askStatus(bytes32 deviceId, uint16 connector) internal returns (bytes32 requestId) {
        bytes memory params = abi.encode(connector);
        return oracle.request(IOracleDEVSEN.Query.ChargerStatus, deviceId, params, address(this));
    }

    /// @notice The oracles agreed.
    /// @param requestId What `_askStatus` returned.
    /// @param status The connector's status as of the question.
    /// @param errorClass Place of the error in OCPP 1.6's `ChargePointErrorCode`; 0 is NoError.
    /// @param observedAt Unix seconds at which this was last known; 0 if never.
    /// @param online Whether the charger was connected as of the question.
    function _onStatus(
        bytes32 requestId,
        IDeviceDEVSEN.Status status,
        uint8 errorClass,
        uint64 observedAt,
        bool online
    ) internal virtual;

    /// @notice The oracles did not agree, or too few answered before the deadline.
    /// @param requestId What `_askStatus` returned.
    /// @param outcome Disputed or Expired.
    function _onNoStatus(bytes32 requestId, Outcome outcome) internal virtual {}
}
