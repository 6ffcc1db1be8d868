// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChargerStatusConsumer} from "../../../contracts/consumer/ChargerStatusConsumer.sol";
import {IDeviceDEVSEN} from "../../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IOracleDEVSEN} from "../../../contracts/interfaces/IOracleDEVSEN.sol";

contract FreeChargers is ChargerStatusConsumer {
    mapping(bytes32 requestId => bytes32 deviceId) private _asked;
    mapping(bytes32 deviceId => bool) public isFree;

    constructor(IOracleDEVSEN oracle_) ChargerStatusConsumer(oracle_) {}

    function ask(string calldata identity) external {
        bytes32 deviceId = keccak256(bytes(identity));
        _asked[_askStatus(deviceId, 1)] = deviceId;
    }

    function _onStatus(bytes32 requestId, IDeviceDEVSEN.Status status, uint8, uint64, bool) internal override {
        isFree[_asked[requestId]] = status == IDeviceDEVSEN.Status.Available;
    }
}
