// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DeviceStatus} from "./DeviceStatus.sol";
import {IDeviceSessions} from "./interfaces/IDeviceSessions.sol";
import {IPaymentDEVSEN} from "./interfaces/IPaymentDEVSEN.sol";
import {Tariffs} from "./libraries/Tariffs.sol";

/// @title What a charger costs, and since when
abstract contract DeviceTariffs is DeviceStatus {
    /// @dev In the order of time; at most the last does not hold yet.
    DatedTariff[] private _tariffs;

    /// @inheritdoc IDeviceSessions
    function setTariff(
        Tariffs.Tariff calldata tariff,
        uint40 validFrom
    ) external onlyManager returns (uint256 tariffId) {
        if (!IPaymentDEVSEN(payment).isAllowed(tariff.token)) revert TokenNotAllowed(tariff.token);
        if (validFrom == 0) validFrom = uint40(block.timestamp);
        if (validFrom < block.timestamp) revert TariffInThePast(validFrom);

        uint256 count = _tariffs.length;
        bool isPending = count != 0 && _tariffs[count - 1].validFrom > block.timestamp;
        if (isPending) _tariffs[count - 1] = DatedTariff(tariff, validFrom);
        else _tariffs.push(DatedTariff(tariff, validFrom));
        tariffId = _tariffs.length;
        emit TariffSet(tariffId, tariff, validFrom);
    }

    /// @inheritdoc IDeviceSessions
    function tariffNow() external view returns (uint256 tariffId, Tariffs.Tariff memory tariff) {
        tariffId = _tariffIdAt(block.timestamp);
        if (tariffId == 0) revert NoTariff();
        return (tariffId, _tariff(tariffId));
    }

    /// @inheritdoc IDeviceSessions
    function tariffCount() external view returns (uint256) {
        return _tariffs.length;
    }

    /// @inheritdoc IDeviceSessions
    function tariffOf(uint256 tariffId) external view returns (DatedTariff memory) {
        return _tariffs[tariffId - 1];
    }

    function _tariff(uint256 tariffId) internal view returns (Tariffs.Tariff memory) {
        return _tariffs[tariffId - 1].tariff;
    }

    /// @dev Number of the tariff that held at a time; 0 if none did.
    function _tariffIdAt(uint256 time) internal view returns (uint256 tariffId) {
        tariffId = _tariffs.length;
        while (tariffId != 0 && _tariffs[tariffId - 1].validFrom > time) --tariffId;
    }
}
