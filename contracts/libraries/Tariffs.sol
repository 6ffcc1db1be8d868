// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title What a session costs
/// @dev Everything is summed before it is divided, so a session is rounded once: down, in the driver's favour. With prices of
/// the widths below and 64-bit quantities no sum overflows.
library Tariffs {
    /// @notice Prices of a charger, in base units of one token. Two storage slots.
    /// @param token The token.
    /// @param perKwh For each kWh.
    /// @param perMinute For each minute of charging.
    /// @param flat For the session.
    /// @param perIdleMinute For each minute plugged in without charging.
    struct Tariff {
        address token;
        uint96 perKwh;
        uint80 perMinute;
        uint96 flat;
        uint80 perIdleMinute;
    }

    /// @dev 1000 Wh are a kWh and 60 s a minute: 3000 is divided by both.
    uint256 private constant SHARE = 3_000;
    uint256 private constant SHARE_PER_KWH = SHARE / 1_000;
    uint256 private constant SHARE_PER_MINUTE = SHARE / 60;
    uint256 private constant SEC_PER_HOUR = 3_600;

    /// @notice What a session costs, token base units, rounded down.
    /// @param energyWh Energy delivered, Wh.
    /// @param chargingSec Time charging, s.
    /// @param idleSec Time plugged in without charging, s.
    function cost(
        Tariff memory tariff,
        uint64 energyWh,
        uint64 chargingSec,
        uint64 idleSec
    ) internal pure returns (uint256) {
        uint256 energyShares = uint256(tariff.perKwh) * energyWh * SHARE_PER_KWH;
        uint256 timeShares = uint256(tariff.perMinute) * chargingSec + uint256(tariff.perIdleMinute) * idleSec;
        return tariff.flat + (energyShares + timeShares * SHARE_PER_MINUTE) / SHARE;
    }

    /// @notice The energy at which a session is stopped so that it costs at most the deposit, Wh, rounded down.
    /// @dev Time charging is reckoned at `powerW`. A charger that is slower, or idle time, can cost more than the deposit: then the
    /// deposit is all that is paid.
    /// @param deposit Token base units that are locked.
    /// @param powerW Power at which the time is reckoned, W; 0 to leave time out.
    /// @return energyWh 0 if the deposit does not cover the flat price; `type(uint64).max` if energy costs nothing.
    function energyLimitWh(
        Tariff memory tariff,
        uint96 deposit,
        uint32 powerW
    ) internal pure returns (uint64 energyWh) {
        if (deposit < tariff.flat) return 0;
        (uint256 price, uint256 per) = _pricePerWh(tariff, powerW);
        if (price == 0) return type(uint64).max;
        return uint64(Math.min((uint256(deposit - tariff.flat) * per) / price, type(uint64).max));
    }

    /// @notice The least deposit with which `energyLimitWh` is at least `energyWh`, token base units.
    /// @param powerW As for `energyLimitWh`.
    function depositFor(Tariff memory tariff, uint64 energyWh, uint32 powerW) internal pure returns (uint256) {
        (uint256 price, uint256 per) = _pricePerWh(tariff, powerW);
        return tariff.flat + Math.ceilDiv(energyWh * price, per);
    }

    /// @dev One Wh costs `price / per` token base units.
    function _pricePerWh(Tariff memory tariff, uint32 powerW) private pure returns (uint256 price, uint256 per) {
        price = uint256(tariff.perKwh) * SHARE_PER_KWH;
        if (powerW == 0) return (price, SHARE);
        uint256 timePrice = uint256(tariff.perMinute) * SHARE_PER_MINUTE * SEC_PER_HOUR;
        return (price * powerW + timePrice, SHARE * powerW);
    }
}
