// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Answers of the oracles about sessions and commands
/// @notice Every such answer begins with a verdict and a reason. 'I cannot know' is a verdict like any other, so operators
/// that know nothing agree on that, and the answer is not waited for. `core/queries.ts` has the same for services.
library Answers {
    /// @notice What an answer says. None is 0 and no answer.
    /// @dev Done: it was carried out, or has ended; the figures are final. Refused: the charger did not do it, or the session
    /// never began. Running: it goes on. CannotKnow: the record has no answer. Unusable: there is a record and no bill can
    /// rest on it (a register that falls, a contradiction).
    enum Verdict {
        None,
        Done,
        Refused,
        Running,
        CannotKnow,
        Unusable
    }

    /// @notice Why an answer is not Done. None is 0: no reason given.
    /// @dev Offline: the charger was not connected. NoReply: it did not answer in time. NoRecord: no such session. Rejected:
    /// it said no. NotSupported: it cannot do that. NotPluggedIn: no EV came. MeterUnusable, Contradiction: see Unusable.
    enum Reason {
        None,
        Offline,
        NoReply,
        NoRecord,
        Rejected,
        NotSupported,
        NotPluggedIn,
        MeterUnusable,
        Contradiction
    }

    /// @notice Why a session ended, as in OCPP 1.6 §7.36 `Reason`; None is 0 for one that has not.
    /// @dev EnergyLimit, Idle: the gateway asked the charger to end it. Idle: it took no energy for as long as the gateway's
    /// settings say. That blames nobody: the charger may have paused by itself.
    enum Stop {
        None,
        DeAuthorized,
        EmergencyStop,
        EVDisconnected,
        HardReset,
        Local,
        Other,
        PowerLoss,
        Reboot,
        Remote,
        SoftReset,
        UnlockCommand,
        EnergyLimit,
        Idle
    }

    /// @notice Answer to `start-charge`.
    /// @param transaction OCPP transaction: 1.6 its number, 2.x keccak256 of its id; zero if there is none.
    /// @param meterStartWh The meter's register at the start, Wh.
    /// @param startedAt Unix seconds; 0 if it did not start.
    struct Started {
        Verdict verdict;
        Reason reason;
        bytes32 transaction;
        uint64 meterStartWh;
        uint40 startedAt;
    }

    /// @notice Answer to `session-result` and `stop-charge`.
    /// @param stop Why it ended.
    /// @param connector OCPP `connectorId`.
    /// @param energyWh Energy delivered, Wh.
    /// @param startedAt Unix seconds.
    /// @param endedAt Unix seconds; 0 if it has not ended.
    /// @param idleSec Of the time between: seconds plugged in without charging.
    /// @param idTag Commitment of the RFID card that opened it; zero if a contract did.
    /// @param evidence Hash of the charger events this rests on.
    struct Result {
        Verdict verdict;
        Reason reason;
        Stop stop;
        uint16 connector;
        uint64 energyWh;
        uint40 startedAt;
        uint40 endedAt;
        uint32 idleSec;
        bytes32 idTag;
        bytes32 evidence;
    }

    /// @notice First words of the answer to `get-configuration`, `set-configuration` and `command`.
    struct Reply {
        Verdict verdict;
        Reason reason;
    }
}
