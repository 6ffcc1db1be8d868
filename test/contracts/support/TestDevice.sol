// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {IDeviceDEVSEN} from "../../../contracts/interfaces/IDeviceDEVSEN.sol";
import {IPaymentDEVSEN} from "../../../contracts/interfaces/IPaymentDEVSEN.sol";

/// @notice A charger whose escrow the test works by hand; the real factory makes it.
contract TestDevice {
    IPaymentDEVSEN private immutable _payment;
    address public manager;

    constructor(IPaymentDEVSEN payment) {
        _payment = payment;
    }

    function initialize(address manager_, uint24, IDeviceDEVSEN.NewDevice calldata) external {
        manager = manager_;
    }

    function lock(
        bytes32 sessionId,
        address occupant,
        address token,
        uint256 amount,
        uint256 deadline
    ) external returns (bytes32) {
        return _payment.lock(sessionId, occupant, token, amount, deadline);
    }

    function lockByCard(
        bytes32 sessionId,
        bytes32 idTag,
        address token,
        uint256 most,
        uint256 deadline
    ) external returns (address, uint256) {
        return _payment.lockByCard(sessionId, idTag, token, most, deadline);
    }

    function settle(bytes32 sessionId, uint256 cost) external returns (uint256, uint256) {
        return _payment.settle(sessionId, cost, manager);
    }

    function settleTo(bytes32 sessionId, uint256 cost, address payee) external returns (uint256, uint256) {
        return _payment.settle(sessionId, cost, payee);
    }

    function refund(bytes32 sessionId) external {
        _payment.refund(sessionId);
    }

    function deviceId() external view returns (bytes32) {
        return bytes32(Clones.fetchCloneArgs(address(this)));
    }
}
