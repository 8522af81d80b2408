#!/usr/bin/perl
# What people write cannot become anything but words. Every text of every mail's sample data is
# replaced by words that try to be HTML, a script, a link or a template; a browser reads the mail
# and must see the same elements and attributes as with harmless words, and those words as they
# were written. In three languages.
use strict;
use warnings;
use utf8;
use Encode ();
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;
use Luukku::Test::Base;
use Luukku::Test::Browser;
use Luukku::Test::Mails;

my @hostile = (
	'<script>window.stolen = 1</script>',
	'"><img src=x onerror="window.stolen = 1">',
	"' onmouseover='window.stolen = 1' x='",
	'</title></style></td></table></div><h1>x</h1><!--',
	'&lt;b&gt; &#60;b> <b>',
	'{{reference}} {{{subject}}} {{> style-page}} {{#text}}',
	'javascript:window.stolen=1',
	"\x{202e}<a href='javascript:window.stolen=1'>x</a>",
	']]><svg/onload=window.stolen=1>',
);
my $mails = Luukku::Test::Mails->new;
my $browser = Luukku::Test::Browser->start;
my $page = $browser->page(width => 800, height => 600);

# The sample with each text replaced; links are made by the desk, not by people.
sub replaced {
	my ($value, $words, $key) = @_;
	return [map { replaced($_, $words, $key) } @$value] if ref $value eq 'ARRAY';
	return { map { $_ => replaced($value->{$_}, $words, $_) } keys %$value } if ref $value eq 'HASH';
	return $value if ref $value || !defined $value || $value =~ /\A\d*\z/;
	return $value if $value =~ m{\A(?:mailto:|https://tuki\.example\.fi/)} || ($key // '') =~ /^(?:cid|percent)$/;
	return $words;
}

# Elements and attributes without the words, and all that is said: text, alt and title.
my $read = <<'JS';
(() => {
	const shape = [...document.querySelectorAll('*')].map(e => e.tagName + ' '
		+ [...e.attributes].map(a => a.name + (a.name === 'href' || a.name === 'src' ? '=' + a.value : '')).join(' '));
	return { shape: shape.join('\n'), said: document.documentElement.textContent,
		stolen: !!window.stolen, n: shape.length };
})()
JS

sub seen {
	my ($name, $case, $language, $words) = @_;
	my $data = replaced($mails->sample($name, $case, $language), $words);
	my $mail = $mails->preview($name, case => $case, language => $language, data => $data);
	$page->contents(Encode::encode('UTF-8', $mail->{html}));
	my $seen = $page->eval($read);
	my @asked = grep { $_->{url} !~ m{^file://.*/shown-\d+\.html$} } $page->requests;
	return ($seen, $mail->{text}, map { $_->{url} } @asked);
}

my ($n, $n_said) = (0, 0);
my @cases = $mails->cases;
for my $i (0 .. $#cases) {
	my ($name, $case) = @{ $cases[$i] };
	my $language = $Luukku::Test::Mails::languages[$i % 3];
	my ($tame) = seen($name, $case, $language, 'xyzzy');
	my $all = join ' ', @hostile;
	my ($wild, $text, @asked) = seen($name, $case, $language, $all);
	my @wrong;
	push @wrong, 'a script ran' if $wild->{stolen};
	push @wrong, "asked for $_" for @asked;
	push @wrong, 'other elements than with harmless words' if $wild->{shape} ne $tame->{shape};
	push @wrong, 'no elements' if $tame->{n} < 10;
	if ($tame->{said} =~ /xyzzy/) {
		push @wrong, 'the words are not as they were written' if index($wild->{said}, $all) < 0;
		$n_said++;
	}
	push @wrong, 'the text is a template' if $text =~ /xyzzy|TUKI-1042 \{\{\{/;
	ok(!@wrong, "$name, $case, $language") or diag map { "  $_\n" } @wrong;
	$n++;
}
cmp_ok($n, '>=', 60, 'all mails');
cmp_ok($n_said, '>=', 50, '... nearly all with words of people');
$browser->stop;
done_testing;
