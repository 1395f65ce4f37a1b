--[[ conv_mark: what is known of a conversation changes, and nothing else: it is a complaint or not, it goes first.

Whoever may answer there may mark it, whose it is matters not; but they have seen it as it is.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo  7 f:C
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest  6 keep the answer (ms)  7 complaint, boost or block (of its address:
      lua/conv_block.lua does that, which has no epoch to compare)
      8 due (ms), seconds; '' takes the mark away
      9 queue of complaints ('' none): where it waits, it waits there from now on  10 queues in which also a complaint stays
RETURNS as a command (lua/_conv.lua)
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
if conv.ep ~= ARGV[4] then return refused('owner_changed', conv) end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local stood, changes = conv.q, {}
if ARGV[7] == 'complaint' then
  changes.cm = ARGV[8]
  if ARGV[8] ~= '' and conv.st == 'queued' and ARGV[9] ~= '' and (conv.sf or '') == '' and not among(ARGV[10], conv.q)
    and conv.q ~= ARGV[9] then
    changes.q = ARGV[9]
  end
  changes.cn = ARGV[8] == '' and '1' or ''
  complained(KEYS[7], ARGV[2], conv.b, ARGV[8], conv.cm, now)
elseif ARGV[7] == 'boost' then
  if conv.st == 'resolved' then return refused('resolved', conv) end
  changes.bw, changes.bs = ARGV[8] ~= '' and 'by_hand' or '', ARGV[8] ~= '' and ARGV[8] or '0'
end
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
if conv.q ~= stood then fact(KEYS[4], now, 'queued', ARGV[2] .. ' ' .. conv.c, stands(conv, stood)) end
if ARGV[7] ~= 'block' then
  fact(KEYS[4], now, 'marked', ARGV[2] .. ' ' .. conv.c, 'agent=' .. ARGV[3] .. ' what=' .. ARGV[7] .. ' to=' .. ARGV[8]
    .. stands(conv))
end
return answer(KEYS[3], ARGV[5], ARGV[6], conv, '', '')
