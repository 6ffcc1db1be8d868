// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Tariffs} from "../../contracts/libraries/Tariffs.sol";
import {Test} from "./support/Test.sol";

/// @notice What a session costs, and how far a deposit goes.
contract TariffsTest is Test {
    /// @dev In a token of 6 decimals: 0.45 a kWh, 0.02 a minute, 0.50 a session, 0.10 an idle minute.
    Tariffs.Tariff private _tariff = Tariffs.Tariff({
        token: address(1),
        perKwh: 450_000,
        perMinute: 20_000,
        flat: 500_000,
        perIdleMinute: 100_000
    });

    function test_AddsEnergyTimeAndFlatPrice() external view {
        // 12.345 kWh × 0.45 = 5.55525; 40 min × 0.02 = 0.80; 15 min idle × 0.10 = 1.50; 0.50 flat.
        assertEq(Tariffs.cost(_tariff, 12_345, 2_400, 900), 8_355_250, "cost");
        assertEq(Tariffs.cost(_tariff, 0, 0, 0), 500_000, "flat only");
    }

    function test_RoundsTheSumDownOnce() external pure {
        Tariffs.Tariff memory odd = Tariffs.Tariff(address(1), 1, 1, 0, 1);
        // 999 Wh: 0.999. 59 s: 0.983…. Each alone is rounded to nothing, together they are 1.98….
        assertEq(Tariffs.cost(odd, 999, 0, 0), 0, "energy");
        assertEq(Tariffs.cost(odd, 0, 59, 0), 0, "charging");
        assertEq(Tariffs.cost(odd, 0, 0, 59), 0, "idle");
        assertEq(Tariffs.cost(odd, 999, 59, 0), 1, "energy and charging");
        // 0.999 + 0.983… + 0.983… = 2.96….
        assertEq(Tariffs.cost(odd, 999, 59, 59), 2, "all");
        assertEq(Tariffs.cost(odd, 1_000, 60, 60), 3, "whole units");
    }

    function test_TurnsADepositIntoAnEnergyLimit() external pure {
        Tariffs.Tariff memory energyOnly = Tariffs.Tariff(address(1), 450_000, 0, 500_000, 100_000);
        // (10.00 − 0.50) ÷ 0.45 a kWh = 21.111… kWh.
        assertEq(Tariffs.energyLimitWh(energyOnly, 10_000_000, 11_000), 21_111, "limit");
        assertEq(Tariffs.energyLimitWh(energyOnly, 500_000, 0), 0, "deposit is the flat price");
        assertEq(Tariffs.energyLimitWh(energyOnly, 499_999, 0), 0, "deposit below the flat price");
    }

    function test_ReckonsTheTimeThatTheEnergyTakes() external view {
        // At 11 kW a kWh takes 5.4545 min, which cost 0.109090…: 9.50 ÷ 0.559090… = 16.99186… kWh.
        assertEq(Tariffs.energyLimitWh(_tariff, 10_000_000, 11_000), 16_991, "at 11 kW");
        // At 150 kW a kWh takes 0.4 min, which cost 0.008: 9.50 ÷ 0.458 = 20.7423… kWh.
        assertEq(Tariffs.energyLimitWh(_tariff, 10_000_000, 150_000), 20_742, "at 150 kW");
        assertEq(Tariffs.energyLimitWh(_tariff, 10_000_000, 0), 21_111, "without time");
    }

    function test_SetsNoLimitWhereEnergyCostsNothing() external pure {
        Tariffs.Tariff memory parking = Tariffs.Tariff(address(1), 0, 0, 500_000, 100_000);
        assertEq(Tariffs.energyLimitWh(parking, 500_000, 11_000), type(uint64).max, "covered");
        assertEq(Tariffs.energyLimitWh(parking, 499_999, 11_000), 0, "not covered");
        assertEq(Tariffs.depositFor(parking, 10_000, 11_000), 500_000, "deposit");
    }

    function test_CapsTheLimitAt64Bits() external pure {
        Tariffs.Tariff memory cheap = Tariffs.Tariff(address(1), 1, 0, 0, 0);
        assertEq(Tariffs.energyLimitWh(cheap, type(uint96).max, 0), type(uint64).max, "limit");
    }

    function test_TellsTheDepositForAnEnergy() external view {
        // 20 kWh × 0.45 = 9.00, at 11 kW 109.0909… min × 0.02 = 2.181818…, flat 0.50.
        assertEq(Tariffs.depositFor(_tariff, 20_000, 11_000), 11_681_819, "deposit");
        assertEq(Tariffs.depositFor(_tariff, 20_000, 0), 9_500_000, "without time");
    }

    function testFuzz_CostsNoLessForMore(
        Tariffs.Tariff memory tariff,
        uint64[3] memory used,
        uint64[3] memory more
    ) external pure {
        for (uint256 i = 0; i < 3; ++i) {
            if (more[i] < used[i]) (used[i], more[i]) = (more[i], used[i]);
        }
        uint256 least = Tariffs.cost(tariff, used[0], used[1], used[2]);
        assertLe(least, Tariffs.cost(tariff, more[0], used[1], used[2]), "more energy");
        assertLe(least, Tariffs.cost(tariff, used[0], more[1], used[2]), "longer");
        assertLe(least, Tariffs.cost(tariff, used[0], used[1], more[2]), "longer idle");
        assertLe(least, Tariffs.cost(tariff, more[0], more[1], more[2]), "more of all");
    }

    function testFuzz_CostsNoLessAtAHigherPrice(
        Tariffs.Tariff memory low,
        Tariffs.Tariff memory high,
        uint64[3] memory used
    ) external pure {
        if (high.perKwh < low.perKwh) (low.perKwh, high.perKwh) = (high.perKwh, low.perKwh);
        if (high.perMinute < low.perMinute) (low.perMinute, high.perMinute) = (high.perMinute, low.perMinute);
        if (high.flat < low.flat) (low.flat, high.flat) = (high.flat, low.flat);
        if (high.perIdleMinute < low.perIdleMinute) high.perIdleMinute = low.perIdleMinute;
        assertLe(
            Tariffs.cost(low, used[0], used[1], used[2]),
            Tariffs.cost(high, used[0], used[1], used[2]),
            "higher prices"
        );
    }

    /// @dev The exact sum lies in [cost, cost + 1): rounded down, and once.
    function testFuzz_RoundsDownByLessThanOneUnit(Tariffs.Tariff memory tariff, uint64[3] memory used) external pure {
        uint256 shares = uint256(tariff.perKwh) * used[0] * 3 + uint256(tariff.flat) * 3_000;
        shares += (uint256(tariff.perMinute) * used[1] + uint256(tariff.perIdleMinute) * used[2]) * 50;
        uint256 cost = Tariffs.cost(tariff, used[0], used[1], used[2]);
        assertLe(cost * 3_000, shares, "not above");
        assertLe(shares, cost * 3_000 + 2_999, "less than one unit below");
    }

    /// @dev Charged at that power to the limit and no further, a session never costs more than the deposit.
    function testFuzz_StaysWithinTheDepositAtTheLimit(
        Tariffs.Tariff memory tariff,
        uint96 deposit,
        uint32 powerW
    ) external pure {
        uint64 limitWh = Tariffs.energyLimitWh(tariff, deposit, powerW);
        if (limitWh == 0 || limitWh == type(uint64).max) return;
        uint256 chargingSec = powerW == 0 ? 0 : (uint256(limitWh) * 3_600) / powerW;
        if (chargingSec > type(uint64).max) return;
        assertLe(Tariffs.cost(tariff, limitWh, uint64(chargingSec), 0), deposit, "cost at the limit");
    }

    function testFuzz_ReachesFurtherWithMore(
        Tariffs.Tariff memory tariff,
        uint96 less,
        uint96 more,
        uint32 slow,
        uint32 fast
    ) external pure {
        if (more < less) (less, more) = (more, less);
        if (fast < slow) (slow, fast) = (fast, slow);
        slow = slow == 0 ? 1 : slow;
        fast = fast == 0 ? 1 : fast;
        uint64 limitWh = Tariffs.energyLimitWh(tariff, less, slow);
        assertLe(limitWh, Tariffs.energyLimitWh(tariff, more, slow), "a higher deposit");
        assertLe(limitWh, Tariffs.energyLimitWh(tariff, less, fast), "a faster charger");
    }

    /// @dev With prices and deposits of the usual size, `depositFor` is the least deposit that will do.
    function testFuzz_AsksForTheLeastDepositThatWillDo(
        Tariffs.Tariff memory tariff,
        uint64 energyWh,
        uint32 powerW
    ) external pure {
        tariff.perKwh = uint96(bound(tariff.perKwh, 1, 1e24));
        tariff.perMinute = uint80(bound(tariff.perMinute, 0, 1e22));
        tariff.flat = uint96(bound(tariff.flat, 0, 1e24));
        energyWh = uint64(bound(energyWh, 1, 1e6));
        powerW = powerW == 0 ? 0 : uint32(bound(powerW, 1_000, 1e6));
        uint256 deposit = Tariffs.depositFor(tariff, energyWh, powerW);
        assertLe(energyWh, Tariffs.energyLimitWh(tariff, uint96(deposit), powerW), "is enough");
        uint64 reached = Tariffs.energyLimitWh(tariff, uint96(deposit - 1), powerW);
        assertLe(uint256(reached) + 1, energyWh, "one less is not");
    }
}
