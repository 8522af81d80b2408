#!/usr/bin/perl
# Every mail's text and HTML by rules that a machine can judge, in three languages: nothing remote,
# no script, nothing that a mail program throws away, a language said, headings in order, words for
# people. Then what `luukkuctl template preview` and `luukkuctl check` do with a site's own
# templates.
use strict;
use warnings;
use utf8;
use Encode ();
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Mails;

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output todo_output);

my $mails = Luukku::Test::Mails->new;
my $templates = source_dir() . '/conf/templates';

# --- the files -----------------------------------------------------------------------------------

my %files;
for my $path (tracked_files(qr{^conf/templates/.*\.(?:txt|html)$})) {
	next if $path =~ m{/(?:web-|board-|survey-page)};    # pages of luukku-web
	my ($language, $name) = $path =~ m{^conf/templates/([a-z]+)/(?:quick/)?([a-z0-9-]+\.(?:txt|html))$};
	ok(defined $name, "$path: a name as the others") or next;
	$files{$language}{$name} = Encode::decode('UTF-8', slurp(source_dir() . "/$path"), Encode::FB_CROAK);
}
cmp_ok(scalar keys %{ $files{fi} }, '>=', 64, 'there are templates');
for my $language (qw(sv en)) {
	is_deeply([sort keys %{ $files{$language} }], [sort keys %{ $files{fi} }], "$language has the same ones as fi");
}

# What a file mentions, in order; what is nobody's words must be the same in each language.
sub tags {
	my ($text, $language) = @_;
	return sort map { s/(?<=[._])\Q$language\E$/LL/r } $text =~ /\{\{([#^>\/]?\s*[^{}!]+?)\s*\}\}/g;
}
for my $name (sort keys %{ $files{fi} }) {
	for my $language (qw(sv en)) {
		is(join(' ', tags($files{$language}{$name} // '', $language)), join(' ', tags($files{fi}{$name}, 'fi')),
			"$language/$name says what fi/$name says");
	}
}
# Text and HTML say the same: what one shows, the other shows as well. Not what only one needs: where things
# stand in it, the words as text or as paragraphs, links as addresses.
my %own = map { $_ => 1 } qw(queue_title site_name cid percent bar address apart text is_quote lines paragraphs has_paragraphs
	has_more image plain spans url);

sub shown {
	my ($name, $part, $seen) = @_;
	my %found;
	my $text = $files{fi}{"$name.$part"} // '';
	while ($text =~ /\{\{([#^>]?)\s*([a-z0-9_.-]+)\s*\}\}/g) {
		my ($kind, $word) = ($1, $2);
		if ($kind ne '>') {
			$found{$word} = 1 if !$own{$word};
		} elsif (!$seen->{$word}) {
			$found{$_} = 1 for shown($word, $part, { %$seen, $word => 1 });
		}
	}
	return sort keys %found;
}
for my $name (map { s/\.txt$//r } grep { /\.txt$/ } sort keys %{ $files{fi} }) {
	is(join(' ', shown($name, 'txt', {})), join(' ', shown($name, 'html', {})), "$name: text and HTML say the same");
}
for my $language (sort keys %files) {
	for my $name (sort grep { /\.html$/ } keys %{ $files{$language} }) {
		my $text = $files{$language}{$name};
		my @wrong;
		push @wrong, "unescaped: $1" while $text =~ /(\{\{(?:\{|&)[^}]*)/g;
		push @wrong, "a value in a place of its own making: $1"
			while $text =~ /\s(?:href|src)="(?!\{\{(?:take|note|resolve|wait|split|run|apart|url|survey_url|mail_yes|mail_no|[a-z_]*link)\}\}(?:#yes|#no)?"|cid:\{\{(?:image|cid)\}\}")([^"]*)"/g;
		push @wrong, "a value outside quotes: $1" while $text =~ /=(\{\{[^>][^}]*\}\})/g;
		push @wrong, "a style of a value: $1" while ($text =~ s{width:\{\{percent\}\}%;}{}gr) =~ /style="([^"]*\{\{(?!> style-)[^"]*)"/g;
		is_deeply(\@wrong, [], "$language/$name: values stand where they can do no harm");
	}
}

# Words that were wrong once: "måltid" is a meal, a letter is no mail; a ticket has one name in Finnish; and a
# count of one fits its words.
my %wrong = (fi => qr/tiket(?:ti|e|in)|\}\} (?:kertaa|viestiä)\b/i, sv => qr/måltid|\bbrev(?:et)?\b|\}\} (?:gånger|dagar\b(?!.*is_one_day))/i,
	en => qr/\}\} (?:times|mails|days\b(?!.*is_one_day))/);
for my $language (sort keys %wrong) {
	my @found = grep { $files{$language}{$_} =~ $wrong{$language} && $_ !~ /^digest-end\./ } sort keys %{ $files{$language} };
	is("@found", '', "$language: no word that was wrong once");
}

for my $language (sort keys %files) {
	my @found = grep { $files{$language}{$_} =~ /TUKI-/ } sort keys %{ $files{$language} };
	is("@found", '', "$language: references begin as the site's do");
}

# --- the mails -----------------------------------------------------------------------------------

my %allowed = map { $_ => 1 } qw(html head meta title style body div p br h1 h2 strong span a ul li hr
	table tr td th caption img);
my %one = map { $_ => 1 } qw(meta br hr img);
my %attributes = map { $_ => 1 } qw(lang charset name content style class href role width align
	cellpadding cellspacing border alt src scope colspan bgcolor height);

# Reads HTML strictly: [tag, {attributes}] and texts. Returns what is wrong.
sub read_html {
	my ($html, $elements) = @_;
	my (@open, @wrong);
	$html =~ s/\A<!DOCTYPE html>\n// or push @wrong, 'no doctype';
	my $mso = 0;
	$mso++ while $html =~ s/<!--\[if mso\]>.*?<!\[endif\]-->//s;
	push @wrong, 'a comment' if $html =~ /<!--/;
	while ($html =~ /\G(?:<(\/?)([a-zA-Z0-9]+)((?:\s[^<>]*)?)>|([^<]+)|(<))/gc) {
		my ($end, $tag, $rest, $text, $bare) = ($1, $2, $3, $4, $5);
		push @wrong, 'a bare <' if defined $bare;
		if (defined $text) {
			push @wrong, "a bare & in $text" if $text =~ /&(?!(?:amp|lt|gt|quot|nbsp|#39);)/;
			push @wrong, "a bare > in $text" if $text =~ />/ && (!@open || $open[-1] ne 'style');
			next;
		}
		next if !defined $tag;
		push @wrong, "<$tag> is not for mails" if !$allowed{$tag};
		if ($end) {
			my $was = pop @open // 'nothing';
			push @wrong, "</$tag> ends <$was>" if $was ne $tag;
			next;
		}
		my %have;
		while ($rest =~ s/^\s+([a-z-]+)="([^"]*)"//) {
			push @wrong, "$tag has $1 twice" if exists $have{$1};
			$have{$1} = $2;
			push @wrong, "$tag has an attribute $1" if !$attributes{$1};
		}
		push @wrong, "<$tag$rest> cannot be read" if $rest =~ /\S/;
		push @$elements, [$tag, \%have, scalar @open];
		push @open, $tag if !$one{$tag};
	}
	push @wrong, "<@open> do not end" if @open;
	return @wrong;
}

sub lint_html {
	my ($mail, $language) = @_;
	my $html = $mail->{html};
	my @elements;
	my @wrong = read_html($html, \@elements);
	push @wrong, 'braces are left' if $html =~ /\{\{|\}\}(?!\s*<\/style>)/ && $html =~ /\{\{/;
	push @wrong, 'more than 100 KB: Gmail cuts it' if length Encode::encode('UTF-8', $html) > 102_400;
	my ($level, $n_h1) = (0, 0);
	for (@elements) {
		my ($tag, $have) = @$_;
		push @wrong, "html is $have->{lang}" if $tag eq 'html' && ($have->{lang} // '') ne $language;
		push @wrong, 'a table that neither is for the layout nor has headings'
			if $tag eq 'table' && ($have->{role} // '') ne 'presentation' && $html !~ /<th scope=/;
		push @wrong, 'a picture without alt' if $tag eq 'img' && !defined $have->{alt};
		push @wrong, "a picture from $have->{src}" if $tag eq 'img' && $have->{src} !~ /^cid:/;
		push @wrong, "a link to $have->{href}" if $tag eq 'a' && ($have->{href} // '') !~ /^(?:https?:\/\/|mailto:)/;
		push @wrong, "style of $tag: $have->{style}" if ($have->{style} // '') =~ /url\s*\(|expression|position|float|@|\n|javascript/i;
		push @wrong, "$tag is $1 wide" if ($have->{style} // '') =~ /(?:^|;)\s*(?:min-)?width:\s*(\d{3,})px/ || ($have->{width} // '') =~ /^(\d{3,})$/ && $1 > 600;
		push @wrong, "$tag sets a background without a colour"
			if ($have->{style} // '') =~ /background-color/ && $have->{style} !~ /(?:^|;)\s*color:/;
		if ($tag =~ /^h([1-6])$/) {
			push @wrong, "h$1 behind h$level" if $1 > $level + 1;
			$level = $1;
			$n_h1++ if $1 == 1;
		}
	}
	push @wrong, "$n_h1 first headings" if $n_h1 > 1;
	push @wrong, "no $_" for grep { $html !~ /$_/ } '<meta charset="utf-8">', '<meta name="viewport" content="width=device-width, initial-scale=1">',
		'<meta name="color-scheme" content="light dark">', 'prefers-color-scheme: dark', '<title>[^<]';
	my ($style) = $html =~ /<style>(.*?)<\/style>/s;
	push @wrong, 'a style sheet that loads something' if ($style // '') =~ /url|\@import|font-face/i;
	return @wrong;
}

sub lint_text {
	my ($mail, $language) = @_;
	my $text = $mail->{text};
	my @wrong;
	push @wrong, 'braces are left' if $text =~ /\{\{|\}\}/;
	push @wrong, 'marks of HTML' if $text =~ /<\/?(?:p|br|b|strong|a|div)\b[^@>]*>|&(?:amp|lt|gt|quot|#39);/;
	push @wrong, 'three empty lines' if $text =~ /\n\n\n\n/;
	push @wrong, 'blanks at the end of a line' if $text =~ /[ \t]\n/ && $text !~ /\n-- \n/;
	push @wrong, 'no line feed at the end' if $text !~ /\n\z/;
	push @wrong, 'begins with an empty line' if $text =~ /\A\n/;
	push @wrong, "a comma before an end" if $text =~ /,\s*\n\z| ,|,,|\( ?\)/;
	return @wrong;
}

my %words = (
	fi => qr/\b(?:ja|on|huomenta|ei|tai|viesti\w*|asia\w*|tunnus|käsittelijä|jono|toimittaja|tehty|olemme|hei)\b/i,
	sv => qr/\b(?:och|är|inte|eller|meddeland\w*|ärende\w*|handläggare|kö|leverantör\w*|klart|vi|hej|raden)\b/i,
	en => qr/\b(?:and|mails|is|not|or|message|matter|ticket|owner|queue|supplier|done|we|hello|line)\b/i,
);
my $n = 0;
for my $one ($mails->cases) {
	my ($name, $case) = @$one;
	for my $language (@Luukku::Test::Mails::languages) {
		my $mail = $mails->preview($name, case => $case, language => $language);
		my @wrong = ((map { "html: $_" } lint_html($mail, $language)), map { "text: $_" } lint_text($mail, $language));
		push @wrong, 'it does not speak its language'
			if $mail->{text} !~ $words{$language} && "$name $case" !~ /^receipt (?:history|help|search|templates)$/;
		ok(!@wrong, "$name, $case, $language") or diag map { "  $_\n" } @wrong;
		$n++;
		note("$name, $case, $language\n$mail->{text}") if $case eq 'usual' || $case eq 'new';
	}
}
cmp_ok($n, '>=', 150, 'all mails in three languages');

# A customer without a name, or none at all: no empty place.
for my $one (['fi', 'Asiakas', 'ei tiedossa'], ['sv', 'Kund', 'okänd'], ['en', 'Customer', 'not known']) {
	my ($language, $label, $unknown) = @$one;
	my $nameless = $mails->preview('notice', case => 'urgent', language => $language);
	like($nameless->{text}, qr/^$label: paivystys\@sairaala\.example$/m, "$language: a customer without a name");
	like($nameless->{html}, qr/>paivystys\@sairaala\.example</, '... in the HTML, too');
	my $nobody = $mails->preview('notice', language => $language, case => 'urgent', data => { requester_address => '' });
	like($nobody->{text}, qr/^$label: $unknown$/m, '... a ticket without a customer');
	unlike($nobody->{html}, qr/&lt;&gt;|<p[^>]*><\/p>/, '... in the HTML, too');
}

# No "also" where there is nothing else.
my %also = (fi => qr/myös sähköpostilla/, sv => qr/också svara per e-post/, en => qr/also answer by email/);
for my $language (sort keys %also) {
	my %of = map { $_ => $mails->preview('survey', case => $_, language => $language) } 'usual', 'no page';
	for my $part (qw(text html)) {
		like($of{usual}{$part}, $also{$language}, "$language $part: a survey can also be answered by mail");
		unlike($of{'no page'}{$part}, $also{$language}, '... where there is no page, by mail alone');
	}
}

# Every template is a mail with sample data or a partial of one, so that nothing above was left out.
my %partial;
for my $language (keys %files) {
	for my $text (values %{ $files{$language} }) {
		$partial{$1} = 1 while $text =~ /\{\{>\s*([a-z0-9-]+)\s*\}\}/g;
	}
}
my %sample = map { $_->[0] => 1 } $mails->cases;
my @left = grep { !$sample{$_} && !$partial{$_} } map { s/\.txt$//r } grep { /\.txt$/ } sort keys %{ $files{fi} };
is_deeply(\@left, [], 'every template has sample data or is part of one that has');
is_deeply([grep { !$files{fi}{"$_.txt"} || !$files{fi}{"$_.html"} } sort keys %sample], [], 'every sample has a template');

# --- template preview ----------------------------------------------------------------------------

my $done = $mails->ctl('template', 'preview', 'notice', '--language', 'sv', '--queue', 'hr');
is($done->{status}, 0, 'preview');
like(Encode::decode('UTF-8', $done->{out}), qr/\ANytt ärende: TUKI-1042\n/, '... prints the text, in the language');
like(Encode::decode('UTF-8', $mails->ctl('template', 'preview', 'transfer', '--queue', 'hr')->{out}), qr/^Henkilöstöpalvelut$/m, '... with the queue\'s title, in its language');
like($mails->ctl('template', 'preview', 'notice', '--html')->{out}, qr/\A<!DOCTYPE html>/, '... or the HTML');
for my $case (
	[['notcie'], 66, qr/there is no template "notcie", did you mean "notice"\?/],
	[['notice', '--case', 'old'], 66, qr/there is no case "old"/],
	[['notice', '--language', 'de'], 64, qr/"de" is none of fi, sv and en/],
	[['notice', '--queue', 'it'], 66, qr/there is no queue "it"/],
	[['notice', '--html', '--json'], 64, qr/give one of them/],
	[['notice', '--data', '/nowhere'], 66, qr{/nowhere}],
	[['../fi/notice'], 66, qr/there is no template/],
) {
	my ($words, $status, $like) = @$case;
	my $wrong = $mails->ctl('template', 'preview', @$words);
	is($wrong->{status}, $status, "preview @$words: refused");
	like($wrong->{err}, $like, '... with the reason');
}

# --- a site's own templates ----------------------------------------------------------------------

my $own = $mails->dir . '/templates';
sub own {
	my ($path, $text) = @_;
	my @steps = split m{/}, $path;
	mkdir join '/', $own, @steps[0 .. $_] for 0 .. $#steps - 1;
	return unlink "$own/$path" if !defined $text;
	spew("$own/$path", Encode::encode('UTF-8', $text), 0644);
	return;
}

sub text_of {
	my ($name, %option) = @_;
	return $mails->preview($name, language => 'fi', %option)->{text};
}

own('fi/urgent.txt', "Soita 09 123.\n");
own('queues/hr/fi/urgent.txt', "Soita 09 456.\n");
like(text_of('acknowledgement'), qr/^Soita 09 123\.$/m, 'a partial of the site\'s own');
like(text_of('acknowledgement', queue => 'hr'), qr/^Soita 09 456\.$/m, '... of a queue\'s own');
unlike(text_of('acknowledgement', language => 'sv'), qr/Soita/, '... in that language alone');
own('queues/hr/common/style-banner.html', "margin:0;border-bottom:3px solid #227722;\n");
like($mails->preview('acknowledgement', queue => 'hr')->{html}, qr/<p class="banner" style="margin:0;border-bottom:3px solid #227722;">/, 'a colour of a queue\'s own');
unlike($mails->preview('acknowledgement', queue => 'ict')->{html}, qr/#227722/, '... not of the others');
own('queues/hr/fi/transfer.txt', "Hei, {{reference}} tuli meille.\n");
my $text_only = $mails->preview('transfer', queue => 'hr', language => 'fi');
is($text_only->{text}, "Hei, TUKI-1042 tuli meille.\n", 'a mail of a queue\'s own');
is($text_only->{html}, undef, '... without the HTML of the words it replaces');
is($mails->ctl('template', 'preview', 'transfer', '--queue', 'hr', '--language', 'fi', '--html')->{status}, 66, '... and that is said');
ok(defined $mails->preview('transfer', queue => 'ict', language => 'fi')->{html}, '... the others have it');
my $check = $mails->ctl('check');
is($check->{status}, 0, 'check: all is well') or diag $check->{err};

# What is wrong is found by file and line.
my @mistakes = (
	['fi/reply.html', "<p>x</p>\n<p>{{{text}}}</p>\n", qr{templates/fi/reply\.html:2: the template cannot be used: .*always escaped}],
	['sv/reply.txt', "a\n\n{{#text}}\n", qr{templates/sv/reply\.txt:3: the template cannot be used: .*a section begins here}],
	['queues/hr/en/urgent.html', "{{> urgent}}", qr{acknowledgement as "usual" in en cannot be made: .*nested too deeply}],
	['fi/transfer.txt', "\n{{refernce}} {{> urgnet}}\n", qr{templates/fi/transfer\.txt:2: warning: the mail has no "refernce": it stays empty; did you mean "reference"\?.*templates/fi/transfer\.txt:2: warning: there is no partial "urgnet": it stays empty; did you mean "urgent"\?}s, 0],
	['fi/acknowlegement.html', "<p>Hei</p>\n", qr{templates/fi/acknowlegement\.html: warning: no mail uses .* did you mean "acknowledgement"}, 0],
);
for my $case (@mistakes) {
	my ($path, $text, $like, $status) = @$case;
	own($path, $text);
	$check = $mails->ctl('check');
	is($check->{status}, $status // 78, "check: $path");
	like($check->{err}, $like, '... is named');
	own($path, undef);
}

# A name that only a rule uses: sent in the acknowledgement's place, with its values.
my $with_rule = Luukku::Test::Mails->new(extra => 'rules: ( { name = "night"; match: { subject = "*"; }; set: { template = "night-ack"; }; } );');
$check = $with_rule->ctl('check');
is($check->{status}, 78, 'check: a rule names a template that is not there');
like($check->{err}, qr{luukku\.conf:\d+: there is no template fi/night-ack\.txt}, '... at the rule\'s line');
own("$_/night-ack.txt", "{{reference}} {{#missing}}{{ask.$_}}{{/missing}}\n") for qw(fi sv en);
$check = $with_rule->ctl('check');
is($check->{status} . $check->{err}, '0', 'check: now it is') or diag $check->{err};
is($with_rule->preview('night-ack', case => 'missing', language => 'en')->{text}, "TUKI-1042 Device id (e.g. PC12345):Building and room:\n", 'preview: with the values of an acknowledgement');

done_testing;
