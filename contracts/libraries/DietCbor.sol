// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A question as a Chainlink node reads it
/// @notice CBOR (RFC 8949) without the map's own first and last byte, which Chainlink's `cborparse` calls 'diet'.
library DietCbor {
    /// @notice `{"deviceId": deviceId, "asOf": asOf, "params": params}`.
    /// @param asOf Unix seconds.
    /// @param params At most 65,535 bytes.
    function encodeQuestion(bytes32 deviceId, uint64 asOf, bytes calldata params) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                hex"68",
                "deviceId",
                hex"5820",
                deviceId,
                hex"64",
                "asOf",
                hex"1b",
                asOf,
                hex"66",
                "params",
                _bytesHead(params.length),
                params
            );
    }

    function _bytesHead(uint256 length) private pure returns (bytes memory) {
        // The casts cut nothing: each branch bounds the length.
        if (length < 24) return abi.encodePacked(uint8(0x40 + length));
        if (length < 256) return abi.encodePacked(hex"58", uint8(length));
        return abi.encodePacked(hex"59", uint16(length));
    }
}
