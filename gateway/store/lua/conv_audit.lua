--[[ conv_audit: one fact about what somebody did at the desk. No personal data.

KEYS  1 facts
ARGV  1 offset (ms)  2 kind  3 ids  4 detail
RETURNS 1
--]]
-- include base
fact(KEYS[1], now_of(KEYS[1], tonumber(ARGV[1])), ARGV[2], ARGV[3], ARGV[4])
return 1
