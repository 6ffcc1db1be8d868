// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {DeviceInfo} from "./DeviceInfo.sol";
import {IDeviceDEVSEN} from "./interfaces/IDeviceDEVSEN.sol";
import {IOracleDEVSEN} from "./interfaces/IOracleDEVSEN.sol";

/// @title What the oracles last agreed on about a charger's connectors, and its faults
abstract contract DeviceStatus is DeviceInfo {
    struct StatusRequest {
        bool isOpen;
        uint16 connector;
        uint40 askedAt;
    }

    uint256 private constant KEPT_FAULTS = 16;

    mapping(uint16 connector => AgreedStatus) private _statuses;
    mapping(bytes32 requestId => StatusRequest) private _statusRequests;
    /// @dev A ring: fault n, from 0, is at n % KEPT_FAULTS.
    Fault[KEPT_FAULTS] private _faults;
    /// @inheritdoc IDeviceDEVSEN
    uint256 public faultCount;

    /// @inheritdoc IDeviceDEVSEN
    function requestStatus(uint16 connector) external returns (bytes32 requestId) {
        _checkConnector(connector);
        requestId = IOracleDEVSEN(oracle).request(
            IOracleDEVSEN.Query.ChargerStatus,
            deviceId(),
            abi.encode(connector),
            msg.sender
        );
        _statusRequests[requestId] = StatusRequest(true, connector, uint40(block.timestamp));
        emit StatusRequested(requestId, connector);
    }

    /// @inheritdoc IDeviceDEVSEN
    function statusOf(uint16 connector) external view returns (AgreedStatus memory) {
        return _statuses[connector];
    }

    /// @inheritdoc IDeviceDEVSEN
    function faults() external view returns (Fault[] memory latest) {
        latest = new Fault[](Math.min(faultCount, KEPT_FAULTS));
        for (uint256 i = 0; i < latest.length; ++i) {
            latest[i] = _faults[(faultCount - 1 - i) % KEPT_FAULTS];
        }
    }

    /// @return isMine Whether the request asked for a status.
    function _takeStatus(bytes32 requestId, Outcome outcome, bytes calldata answer) internal returns (bool isMine) {
        StatusRequest memory asked = _statusRequests[requestId];
        if (!asked.isOpen) return false;
        delete _statusRequests[requestId];
        if (outcome != Outcome.Agreed) {
            emit StatusNotAgreed(requestId, asked.connector, outcome);
            return true;
        }

        (Status status, uint8 errorClass, uint64 observedAt, bool online) = abi.decode(
            answer,
            (Status, uint8, uint64, bool)
        );
        AgreedStatus memory agreed = AgreedStatus(status, errorClass, online, uint40(observedAt), asked.askedAt);
        // Answers may come in another order than questions: an older one never covers a newer.
        AgreedStatus memory known = _statuses[asked.connector];
        if (asked.askedAt >= known.askedAt) {
            _statuses[asked.connector] = agreed;
            bool isKnown = known.status == Status.Faulted && known.errorClass == errorClass;
            if (status == Status.Faulted && !isKnown)
                _keepFault(Fault(asked.connector, errorClass, uint40(observedAt)));
        }
        emit StatusAgreed(requestId, asked.connector, agreed);
        return true;
    }

    function _keepFault(Fault memory fault) private {
        _faults[faultCount % KEPT_FAULTS] = fault;
        ++faultCount;
        emit FaultAgreed(fault.connector, fault.errorClass, fault.observedAt);
    }
}
