--[[ conv_take: an agent makes a conversation theirs, if it is nobody's and they saw it as it is.

One step, so that of two who press at once exactly one becomes the owner. Taking what one has is no change.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest  6 keep the answer (ms)
RETURNS {done | again, rev, epoch, '', ''} | {refused, code, owner, since, state, epoch} | {unknown}
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
if conv.st == 'resolved' then return refused('resolved', conv) end
if conv.o ~= ARGV[3] then
  if conv.o ~= '' or conv.ep ~= ARGV[4] then return refused('owner_changed', conv) end
  local now = now_of(KEYS[4], tonumber(ARGV[1]))
  conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, {o = ARGV[3], oat = text(now), own = ARGV[3],
    ep = text(tonumber(conv.ep) + 1), st = 'active'})
  fact(KEYS[4], now, 'assigned', ARGV[2] .. ' ' .. conv.c, 'agent=' .. ARGV[3] .. ' epoch=' .. conv.ep .. ' how=take')
end
return answer(KEYS[3], ARGV[5], ARGV[6], conv, '', '')
