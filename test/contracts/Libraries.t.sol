// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressList} from "../../contracts/libraries/AddressList.sol";
import {Bits} from "../../contracts/libraries/Bits.sol";
import {DietCbor} from "../../contracts/libraries/DietCbor.sol";
import {Identity} from "../../contracts/libraries/Identity.sol";
import {Page} from "../../contracts/libraries/Page.sol";
import {Test} from "./support/Test.sol";

contract LibrariesTest is Test {
    function testFuzz_countsBits(uint32 bits) external pure {
        uint256 expected = 0;
        for (uint256 i = 0; i < 32; ++i) expected += (bits >> i) & 1;
        assertEq(Bits.count(bits), expected, "count");
    }

    function test_makesTheSetOfAll() external pure {
        assertEq(Bits.all(4), 15, "four");
        assertEq(Bits.all(31), type(uint32).max >> 1, "thirty-one");
    }

    function testFuzz_readsBackTheListItStored(address[] calldata entries) external {
        vm.assume(entries.length <= 31);
        address list = AddressList.store(entries);
        address[] memory read = AddressList.read(list);
        assertEq(read.length, entries.length, "length");
        for (uint256 i = 0; i < read.length; ++i) assertEq(read[i], entries[i], "entry");
    }

    function test_storesAListThatNobodyCanRun() external {
        address list = AddressList.store(new address[](2));
        assertEq(uint8(list.code[0]), 0, "first byte is STOP");
        assertEq(list.code.length, 41, "length");
    }

    function testFuzz_pagesLieInTheList(uint256 length, uint256 offset, uint256 limit) external pure {
        (uint256 from, uint256 to) = Page.bounds(length, offset, limit);
        assertTrue(from <= to && to <= length && to - from <= limit, "bounds");
        if (offset < length && limit > 0) assertTrue(from == offset && to > from, "not empty");
        if (offset >= length) assertEq(from, to, "empty beyond the end");
    }

    function test_encodesParametersOfEveryLengthAsCborDoes() external view {
        assertEq(this.encoded(new bytes(0)), abi.encodePacked(head(), hex"40"), "0");
        assertEq(this.encoded(new bytes(23)), abi.encodePacked(head(), hex"57", new bytes(23)), "23");
        assertEq(this.encoded(new bytes(24)), abi.encodePacked(head(), hex"5818", new bytes(24)), "24");
        assertEq(this.encoded(new bytes(255)), abi.encodePacked(head(), hex"58ff", new bytes(255)), "255");
        assertEq(this.encoded(new bytes(256)), abi.encodePacked(head(), hex"590100", new bytes(256)), "256");
        assertEq(this.encoded(new bytes(2048)), abi.encodePacked(head(), hex"590800", new bytes(2048)), "2048");
    }

    function testFuzz_takesOcppIdentitiesOnly(bytes calldata text) external pure {
        bytes memory allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=:|@.-";
        bool expected = text.length >= 1 && text.length <= 48;
        for (uint256 i = 0; i < text.length && expected; ++i) {
            bool found = false;
            for (uint256 j = 0; j < allowed.length; ++j) found = found || text[i] == allowed[j];
            expected = found;
        }
        assertTrue(Identity.isValid(string(text)) == expected, "valid");
    }

    function test_takesEachAllowedCharacterAndNoOtherByte() external view {
        uint256 taken = 0;
        for (uint256 i = 0; i < 256; ++i) {
            if (this.isValid(string(abi.encodePacked(uint8(i))))) ++taken;
        }
        assertEq(taken, 26 + 26 + 10 + 7, "characters taken");
        assertTrue(this.isValid("aZ09_=:|@.-"), "each kind");
        assertTrue(!this.isValid(""), "empty");
        assertTrue(this.isValid("123456789012345678901234567890123456789012345678"), "48");
        assertTrue(!this.isValid("1234567890123456789012345678901234567890123456789"), "49");
    }

    function encoded(bytes calldata params) external pure returns (bytes memory) {
        return DietCbor.encodeQuestion(keccak256("CP-1"), 1_750_000_000, params);
    }

    function isValid(string calldata text) external pure returns (bool) {
        return Identity.isValid(text);
    }

    function head() private pure returns (bytes memory) {
        bytes32 deviceId = keccak256("CP-1");
        return
            abi.encodePacked(
                hex"68",
                "deviceId",
                hex"5820",
                deviceId,
                hex"64",
                "asOf",
                hex"1b00000000684ee180",
                hex"66",
                "params"
            );
    }
}
