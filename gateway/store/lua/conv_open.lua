--[[ conv_open: the owner opens what they were given. Opening what is open is no change.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest  6 keep the answer (ms)
RETURNS as a command (lua/_conv.lua)
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
local other = not_theirs(conv, ARGV[3], ARGV[4])
if other then return other end
if conv.st == 'assigned' then
  local now = now_of(KEYS[4], tonumber(ARGV[1]))
  conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, {st = 'active'})
  fact(KEYS[4], now, 'taken_up', ARGV[2] .. ' ' .. conv.c, 'agent=' .. ARGV[3] .. ' after='
    .. text(math.max(0, now - tonumber(conv.oat))) .. stands(conv))
end
return answer(KEYS[3], ARGV[5], ARGV[6], conv, '', '')
